/**
 * What an operator must hear of without asking, read from the product database. The first words of each message are those
 * of the earlier streaming converter, so that greps of its logs still find them; the last are the command to run.
 * Says a thing about a group once; a state of the whole queue as long as it lasts.
 */
import { z } from 'zod';
import { type CatalogDatabase, rowOf, rowsOf } from '../catalog/statement.ts';
import type { Settings } from '../config/settings.ts';
import { isoFromUnixMs } from '../domain/utc.ts';
import { CanaryWarnings } from './canary-warnings.ts';

export interface Notice {
  level: 'warn' | 'info';
  message: string;
  fields: Record<string, string | number>;
}

const QUEUE_DEPTH = 10;
/** A group of 5.15 min must take less than this, or the next one waits. */
const SLOW_GROUP_S = 4.5 * 60;

export class PipelineWarnings {
  readonly #settings: Pick<Settings, 'attempt' | 'canary' | 'collecting'>;
  #completedUpTo: string;
  readonly #toldMissing = new Set<string>();
  readonly #canaries: CanaryWarnings;

  /** Groups that were completed before `startedAt` (RFC 3339) are old news. */
  constructor(settings: Pick<Settings, 'attempt' | 'canary' | 'collecting'>, startedAt: string) {
    this.#settings = settings;
    this.#completedUpTo = startedAt;
    this.#canaries = new CanaryWarnings(settings.canary, startedAt);
  }

  look(database: CatalogDatabase, nowMs: number): Notice[] {
    return [
      ...queueDepth(database),
      ...this.#stale(database, nowMs),
      ...this.#missing(database, nowMs),
      ...this.#completed(database),
      ...this.#canaries.look(database, nowMs),
    ];
  }

  #stale(database: CatalogDatabase, nowMs: number): Notice[] {
    const limitS = this.#settings.attempt.timeoutFloorS;
    const stale = rowsOf(
      database,
      z.object({ group_id: z.string() }),
      `SELECT group_id FROM groups WHERE state = 'in_progress' AND waiting_for IS NULL AND updated_at < :before ORDER BY group_id`,
      { before: isoFromUnixMs(nowMs - limitS * 1000) },
    );
    const [first] = stale;
    if (first === undefined) return [];
    const message = `Found ${stale.length} stale in-progress groups (>${limitS / 60} min): see contimg group show ${first.group_id}`;
    return [{ level: 'warn', message, fields: { stale: stale.length, groupId: first.group_id } }];
  }

  #missing(database: CatalogDatabase, nowMs: number): Notice[] {
    const afterS = this.#settings.collecting.warnAfterS;
    const waiting = rowsOf(
      database,
      z.object({ group_id: z.string() }),
      `SELECT group_id FROM groups WHERE state = 'collecting' AND received_at < :before ORDER BY group_id`,
      { before: isoFromUnixMs(nowMs - afterS * 1000) },
    ).map(({ group_id }) => group_id);
    const fresh = waiting.filter((groupId) => !this.#toldMissing.has(groupId));
    for (const groupId of this.#toldMissing) if (!waiting.includes(groupId)) this.#toldMissing.delete(groupId);
    for (const groupId of fresh) this.#toldMissing.add(groupId);
    return fresh.map((groupId) => ({
      level: 'warn',
      message: `Group ${groupId} has been waiting for missing subbands longer than ${afterS} s: see contimg group show ${groupId}`,
      fields: { groupId },
    }));
  }

  /** From the moment a group was put on a host until it was done. */
  #completed(database: CatalogDatabase): Notice[] {
    const completed = rowsOf(
      database,
      z.object({ group_id: z.string(), completed_at: z.string(), took_s: z.number().nullable() }),
      `SELECT g.group_id, g.completed_at,
         (SELECT (julianday(MAX(a.ended_at)) - julianday(MIN(a.started_at))) * 86400 FROM step_attempts a
          WHERE a.group_id = g.group_id AND a.run_id = g.run_id AND a.step NOT IN ('collect', 'claimHost')) AS took_s
       FROM groups g WHERE g.state = 'completed' AND g.completed_at > :after ORDER BY g.completed_at`,
      { after: this.#completedUpTo },
    );
    this.#completedUpTo = completed.at(-1)?.completed_at ?? this.#completedUpTo;
    return completed.flatMap(({ group_id: groupId, took_s: tookS }) => {
      if (tookS === null) return [];
      const seconds = tookS.toFixed(1);
      const done: Notice = { level: 'info', message: `Group ${groupId} completed in ${seconds} s`, fields: { groupId, tookS } };
      if (tookS <= SLOW_GROUP_S) return [done];
      const message = `Group ${groupId} took ${seconds} s (exceeds ${SLOW_GROUP_S / 60} min threshold): see contimg group show ${groupId}`;
      return [done, { level: 'warn', message, fields: { groupId, tookS } }];
    });
  }
}

function queueDepth(database: CatalogDatabase): Notice[] {
  const { n } = rowOf(database, z.object({ n: z.int() }), `SELECT COUNT(*) AS n FROM groups WHERE state = 'pending'`) ?? { n: 0 };
  if (n <= QUEUE_DEPTH) return [];
  return [{ level: 'warn', message: `High queue depth: ${n} groups queued: see contimg group ls --state pending`, fields: { queued: n } }];
}
