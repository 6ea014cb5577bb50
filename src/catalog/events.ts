/**
 * What changed, in order, for everyone who follows: one row an event, written in the transaction of the change it tells
 * of, so that a reader who sees the event sees the change. Payloads hold ids and changed fields, never whole objects.
 */
import { z } from 'zod';
import { EVENT_TOPICS, type EventTopic } from '../domain/event-topic.ts';
import { type CatalogDatabase, jsonColumn, rowOf, rowsOf, runSql } from './statement.ts';

export const eventRow = z.object({
  id: z.int(),
  at: z.string(),
  topic: z.enum(EVENT_TOPICS),
  group_id: z.string().nullable(),
  payload: jsonColumn(z.record(z.string(), z.unknown())),
});
export type EventRow = z.infer<typeof eventRow>;

/** Payload keys are snake_case: they go out as they are. */
export function appendEvent(
  database: CatalogDatabase,
  event: { at: string; topic: EventTopic; groupId: string | null; payload: Record<string, unknown> },
): void {
  runSql(database, 'INSERT INTO events (at, topic, group_id, payload) VALUES (:at, :topic, :groupId, :payload)', {
    at: event.at,
    topic: event.topic,
    groupId: event.groupId,
    payload: JSON.stringify(event.payload),
  });
}

export const eventsAfter = (database: CatalogDatabase, id: number, limit: number): EventRow[] =>
  rowsOf(database, eventRow, 'SELECT id, at, topic, group_id, payload FROM events WHERE id > :id ORDER BY id LIMIT :limit', { id, limit });

/** First and last id still kept; a reader whose last id lies before `first - 1` has missed some. Null: no event yet. */
export function eventRange(database: CatalogDatabase): { first: number; last: number } | null {
  const range = rowOf(
    database,
    z.object({ first: z.int().nullable(), last: z.int().nullable() }),
    'SELECT (SELECT MIN(id) FROM events) AS first, (SELECT MAX(id) FROM events) AS last',
  );
  return range === null || range.first === null || range.last === null ? null : { first: range.first, last: range.last };
}

/** Forgets events older than `before` and all but the newest `keep`. */
export function pruneEvents(database: CatalogDatabase, limits: { before: string; keep: number }): number {
  return runSql(database, 'DELETE FROM events WHERE at < :before OR id <= (SELECT MAX(id) FROM events) - :keep', limits).changes;
}
