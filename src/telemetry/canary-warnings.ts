/**
 * What an operator must hear of the canary: one that did not pass, once; and silence, while groups are completed and no
 * canary ends, as long as it lasts.
 */
import { z } from 'zod';
import { listCanaries } from '../catalog/canaries.ts';
import { type CatalogDatabase, valueOf } from '../catalog/statement.ts';
import type { Settings } from '../config/settings.ts';
import { isoFromUnixMs } from '../domain/utc.ts';
import type { Notice } from './warnings.ts';

/** A canary may wait for groups of the sky; three of its periods without one is more than that. */
const SILENT_PERIODS = 3;
const HOUR_MS = 3_600_000;

export class CanaryWarnings {
  readonly #settings: Settings['canary'];
  readonly #startedAt: string;
  #toldUpTo: string;

  /** Canaries that ended before `startedAt` (RFC 3339) are old news. */
  constructor(settings: Settings['canary'], startedAt: string) {
    this.#settings = settings;
    this.#startedAt = startedAt;
    this.#toldUpTo = startedAt;
  }

  look(database: CatalogDatabase, nowMs: number): Notice[] {
    const [last] = listCanaries(database, 1);
    if (last !== undefined && last.ended_at > this.#toldUpTo) {
      this.#toldUpTo = last.ended_at;
      if (last.verdict !== 'pass') {
        const message = `Canary of group ${last.group_id} did not pass: ${last.reasons.join('; ')}: see contimg canary ls`;
        return [{ level: 'warn', message, fields: { groupId: last.group_id, verdict: last.verdict } }];
      }
    }
    return this.#silence(database, nowMs, last?.ended_at ?? this.#startedAt);
  }

  #silence(database: CatalogDatabase, nowMs: number, endedAt: string): Notice[] {
    const { enabled, everyH } = this.#settings;
    const sinceMs = Math.max(Date.parse(endedAt), Date.parse(this.#startedAt));
    if (!enabled || nowMs - sinceMs < SILENT_PERIODS * everyH * HOUR_MS) return [];
    const since = isoFromUnixMs(sinceMs);
    const completed =
      valueOf(database, z.int(), `SELECT COUNT(*) FROM groups WHERE state = 'completed' AND completed_at > :since`, { since }) ?? 0;
    if (completed === 0) return [];
    const message = `No canary ended since ${since}, ${completed} groups were completed: see contimg schedule apply and the worker's log`;
    return [{ level: 'warn', message, fields: { completed } }];
  }
}
