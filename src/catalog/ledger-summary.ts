/**
 * Expected against done, by day or hour of the expected begin, and the holes among them. A stretch of silence counts in
 * each day for the groups that should have begun there.
 */
import { z } from 'zod';
import {
  historyOf,
  LEDGER_OUTCOMES,
  type LedgerHistoryRow,
  type LedgerOutcome,
  type LedgerRow,
  ledgerBetween,
  ledgerTime,
} from './ledger.ts';
import { type CatalogDatabase, rowsOf, valueOf } from './statement.ts';

export interface LedgerCounts extends Record<LedgerOutcome, number> {
  /** `2026-03-01` or `2026-03-01T02`. */
  from: string;
  expected: number;
}

export interface Interval {
  /** RFC 3339 with Z, start-inclusive, end-exclusive. */
  start: string;
  end: string;
}

/** Characters of the expected time that name a day or an hour. */
const KEY_LENGTH = { day: 10, hour: 13 } as const;

const countRow = z.object({ from: z.string(), outcome: z.enum(LEDGER_OUTCOMES), n: z.int() });

export function ledgerCounts(database: CatalogDatabase, { start, end }: Interval, by: keyof typeof KEY_LENGTH): LedgerCounts[] {
  const length = KEY_LENGTH[by];
  const counts = new Map<string, LedgerCounts>();
  const add = (from: string, outcome: LedgerOutcome, n: number): void => {
    const of = counts.get(from) ?? { from, expected: 0, done: 0, degraded: 0, skipped: 0, missing: 0, pending: 0 };
    of.expected += n;
    of[outcome] += n;
    counts.set(from, of);
  };
  const single = rowsOf(
    database,
    countRow,
    `SELECT substr(expected_at, 1, ${length}) AS "from", outcome, COUNT(*) AS n FROM ledger
     WHERE range_end_at IS NULL AND expected_at >= :start AND expected_at < :end GROUP BY 1, 2`,
    { start, end },
  );
  for (const { from, outcome, n } of single) add(from, outcome, n);
  for (const row of ledgerBetween(database, start, end)) {
    if (row.range_end_at === null) continue;
    for (const begin of beginsOf(row)) if (begin >= start && begin < end) add(begin.slice(0, length), row.outcome, 1);
  }
  return [...counts.values()].toSorted((one, other) => one.from.localeCompare(other.from));
}

/** When each group of a stretch should have begun: evenly from its start. */
function beginsOf(row: LedgerRow): string[] {
  const startMs = Date.parse(row.expected_at);
  const stepMs = (Date.parse(row.range_end_at ?? row.expected_at) - startMs) / Math.max(1, row.groups);
  return Array.from({ length: row.groups }, (_, index) => ledgerTime(startMs + index * stepMs));
}

export type Hole = LedgerRow & { history: LedgerHistoryRow[] };

/** What has no product and will have none by itself: missing and skipped, in order of time. */
export const ledgerHoles = (database: CatalogDatabase, { start, end }: Interval): Hole[] =>
  ledgerBetween(database, start, end)
    .filter((row) => (row.outcome === 'missing' || row.outcome === 'skipped') && row.groups > 0)
    .map((row) => ({ ...row, history: historyOf(database, row.id) }));

/** Of the newest row that was expected; null while there is none. */
export const newestExpected = (database: CatalogDatabase): string | null =>
  valueOf(database, z.string(), 'SELECT MAX(COALESCE(range_end_at, expected_at)) FROM ledger');
