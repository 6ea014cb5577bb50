/**
 * What the telescope should have produced and what became of it: one row a group, one row a stretch without data. Rows
 * are opened when a group is admitted and closed by its workflow; none is ever deleted.
 */
import { z } from 'zod';
import { appendEvent } from './events.ts';
import { type CatalogDatabase, inTransaction, rowOf, rowsOf, runSql } from './statement.ts';

export const LEDGER_OUTCOMES = ['done', 'degraded', 'skipped', 'missing', 'pending'] as const;
export type LedgerOutcome = (typeof LEDGER_OUTCOMES)[number];

export const ledgerRow = z.object({
  id: z.int(),
  group_id: z.string().nullable(),
  expected_at: z.string(),
  range_end_at: z.string().nullable(),
  dec_deg: z.number().nullable(),
  outcome: z.enum(LEDGER_OUTCOMES),
  reason: z.string(),
  updated_at: z.string(),
});
export type LedgerRow = z.infer<typeof ledgerRow>;

/** Opens the row of a group that was just admitted; a row that is there already is left alone. */
export function openLedgerRow(database: CatalogDatabase, row: { groupId: string; expectedAt: string; decDeg: number; at: string }): void {
  runSql(
    database,
    `INSERT INTO ledger (group_id, expected_at, range_end_at, dec_deg, outcome, reason, updated_at)
     VALUES (:groupId, :expectedAt, NULL, :decDeg, 'pending', 'in work', :at) ON CONFLICT (group_id) DO NOTHING`,
    row,
  );
}

export function setLedgerOutcome(
  database: CatalogDatabase,
  entry: { groupId: string; outcome: LedgerOutcome; reason: string; at: string },
): void {
  inTransaction(database, () => {
    const { changes } = runSql(
      database,
      `UPDATE ledger SET outcome = :outcome, reason = :reason, updated_at = :at
       WHERE group_id = :groupId AND (outcome <> :outcome OR reason <> :reason)`,
      entry,
    );
    if (changes > 0) {
      const payload = { group_id: entry.groupId, outcome: entry.outcome };
      appendEvent(database, { at: entry.at, topic: 'ledger.changed', groupId: entry.groupId, payload });
      return;
    }
    const known = rowOf(database, z.object({ id: z.int() }), 'SELECT id FROM ledger WHERE group_id = :groupId', { groupId: entry.groupId });
    if (known === null) throw new Error(`the ledger has no row for group ${entry.groupId}`);
  });
}

/** One row for a stretch without any data, `[startAt, endAt)`; telling it again moves its end. */
export function recordSilence(database: CatalogDatabase, range: { startAt: string; endAt: string; reason: string; at: string }): void {
  inTransaction(database, () => {
    runSql(
      database,
      `INSERT INTO ledger (group_id, expected_at, range_end_at, dec_deg, outcome, reason, updated_at)
       VALUES (NULL, :startAt, :endAt, NULL, 'missing', :reason, :at)
       ON CONFLICT (expected_at) WHERE group_id IS NULL
       DO UPDATE SET range_end_at = excluded.range_end_at, reason = excluded.reason, updated_at = excluded.updated_at`,
      range,
    );
    const payload = { start_at: range.startAt, end_at: range.endAt, outcome: 'missing' };
    appendEvent(database, { at: range.at, topic: 'ledger.changed', groupId: null, payload });
  });
}

/** Rows expected in `[start, end)`, and ranges that reach into it. */
export const ledgerBetween = (database: CatalogDatabase, start: string, end: string): LedgerRow[] =>
  rowsOf(
    database,
    ledgerRow,
    `SELECT * FROM ledger WHERE expected_at < :end AND COALESCE(range_end_at, expected_at || '~') > :start ORDER BY expected_at, id`,
    { start, end },
  );
