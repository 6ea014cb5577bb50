/**
 * Requests that people file through SQL (the documented repair of `ingest_queue`). The catalog worker takes them from here,
 * asks the group's workflow, and writes its answer into the same row.
 */
import { z } from 'zod';
import { groupIdSchema } from '../domain/group-id.ts';
import { type CatalogDatabase, rowsOf, runSql } from './statement.ts';

export const operatorRequestRow = z.object({
  id: z.int(),
  requested_at: z.string(),
  requested_by: z.string(),
  via: z.literal('sql'),
  verb: z.literal('resume'),
  group_id: groupIdSchema,
  reason: z.string(),
  answered_at: z.string().nullable(),
  answer: z.enum(['accepted', 'refused']).nullable(),
  answer_text: z.string().nullable(),
});
export type OperatorRequestRow = z.infer<typeof operatorRequestRow>;

/** Not yet answered, oldest first. */
export const pending = (database: CatalogDatabase): OperatorRequestRow[] =>
  rowsOf(database, operatorRequestRow, 'SELECT * FROM operator_requests WHERE answered_at IS NULL ORDER BY id');

/** The first answer stays. */
export function answer(database: CatalogDatabase, reply: { id: number; answer: 'accepted' | 'refused'; text: string; at: string }): void {
  runSql(
    database,
    `UPDATE operator_requests SET answered_at = :at, answer = :answer, answer_text = :text WHERE id = :id AND answered_at IS NULL`,
    { ...reply },
  );
}

export const requestsOf = (database: CatalogDatabase, groupId: string): OperatorRequestRow[] =>
  rowsOf(database, operatorRequestRow, 'SELECT * FROM operator_requests WHERE group_id = :groupId ORDER BY id DESC', { groupId });
