/**
 * What the telescope should have produced and what became of it: one row a group, one row a stretch without data. A row is
 * opened when a group is expected or admitted and closed by its workflow; the group that comes takes over the row that
 * waited for it, so that nothing is counted twice.
 */
import { z } from 'zod';
import { appendEvent } from './events.ts';
import { type CatalogDatabase, inTransaction, integer, rowOf, rowsOf, runSql, valueOf } from './statement.ts';

export const LEDGER_OUTCOMES = ['done', 'degraded', 'skipped', 'missing', 'pending'] as const;
export type LedgerOutcome = (typeof LEDGER_OUTCOMES)[number];

export const ledgerRow = z.object({
  id: z.int(),
  group_id: z.string().nullable(),
  expected_at: z.string(),
  /** Of a stretch of silence, exclusive. */
  range_end_at: z.string().nullable(),
  /** Groups the row stands for; 1 but for a stretch. */
  groups: z.int(),
  expected_from: z.enum(['header', 'cadence', 'name']),
  within_s: z.number(),
  dec_deg: z.number().nullable(),
  outcome: z.enum(LEDGER_OUTCOMES),
  reason: z.string(),
  note: z.string().nullable(),
  noted_by: z.string().nullable(),
  unjudged_since: z.string().nullable(),
  updated_at: z.string(),
});
export type LedgerRow = z.infer<typeof ledgerRow>;

export const ledgerHistoryRow = z.object({
  id: z.int(),
  ledger_id: z.int(),
  outcome: z.enum(LEDGER_OUTCOMES),
  reason: z.string(),
  until_at: z.string(),
});
export type LedgerHistoryRow = z.infer<typeof ledgerHistoryRow>;

/** No window of a waiting row is wider. */
const WIDEST_WINDOW_MS = 3_600_000;

/** Opens the row of a group that was just admitted, or lets it take over the row that waited for it. Told again, nothing changes. */
export function openLedgerRow(database: CatalogDatabase, row: { groupId: string; expectedAt: string; decDeg: number; at: string }): void {
  inTransaction(database, () => {
    if (rowOfGroup(database, row.groupId) !== null) return;
    const waiting = nearestWaiting(database, Date.parse(row.expectedAt));
    if (waiting === null) {
      runSql(
        database,
        `INSERT INTO ledger (group_id, expected_at, expected_from, within_s, dec_deg, outcome, reason, unjudged_since, updated_at)
         VALUES (:groupId, :expectedAt, 'header', 0, :decDeg, 'pending', 'in work', :at, :at)`,
        row,
      );
      return;
    }
    runSql(
      database,
      `UPDATE ledger SET group_id = :groupId, expected_at = :expectedAt, expected_from = 'header', within_s = 0, dec_deg = :decDeg,
         outcome = 'pending', reason = 'in work', unjudged_since = :at, updated_at = :at WHERE id = :id`,
      { ...row, id: waiting.id },
    );
    tellChange(database, { id: waiting.id, groupId: row.groupId, outcome: 'pending', at: row.at });
  });
}

/** The row without a group that a group beginning now was expected by: the nearest whose window it lies in. */
function nearestWaiting(database: CatalogDatabase, atMs: number): LedgerRow | null {
  const distanceS = (row: LedgerRow): number => Math.abs(Date.parse(row.expected_at) - atMs) / 1000;
  const candidates = rowsOf(
    database,
    ledgerRow,
    `SELECT * FROM ledger WHERE expected_at BETWEEN :from AND :to AND group_id IS NULL AND range_end_at IS NULL`,
    { from: ledgerTime(atMs - WIDEST_WINDOW_MS), to: ledgerTime(atMs + WIDEST_WINDOW_MS) },
  );
  const inReach = candidates.filter((row) => distanceS(row) <= row.within_s);
  return inReach.toSorted((one, other) => distanceS(one) - distanceS(other))[0] ?? null;
}

export function setLedgerOutcome(
  database: CatalogDatabase,
  entry: { groupId: string; outcome: LedgerOutcome; reason: string; at: string },
): void {
  inTransaction(database, () => {
    const row = rowOfGroup(database, entry.groupId);
    if (row === null) throw new Error(`the ledger has no row for group ${entry.groupId}`);
    changeOutcome(database, row, entry);
  });
}

/** Changes one row and tells of it; the same outcome and reason again is no change. */
export function changeOutcome(
  database: CatalogDatabase,
  row: LedgerRow,
  entry: { outcome: LedgerOutcome; reason: string; at: string },
): void {
  if (row.outcome === entry.outcome && row.reason === entry.reason) return;
  const { outcome, reason, at } = entry;
  runSql(database, 'UPDATE ledger SET outcome = :outcome, reason = :reason, updated_at = :at WHERE id = :id', {
    outcome,
    reason,
    at,
    id: row.id,
  });
  tellChange(database, { id: row.id, groupId: row.group_id, outcome, at });
}

export function tellChange(
  database: CatalogDatabase,
  change: { id: number; groupId: string | null; outcome: LedgerOutcome; at: string },
): void {
  const payload = { row: change.id, group_id: change.groupId, outcome: change.outcome };
  appendEvent(database, { at: change.at, topic: 'ledger.changed', groupId: change.groupId, payload });
}

/** A person's explanation of a row. The outcome stays as it is. False: no such row. */
export function annotateRow(database: CatalogDatabase, note: { id: number; by: string; text: string; at: string }): boolean {
  return inTransaction(database, () => {
    const row = rowById(database, note.id);
    if (row === null) return false;
    if (row.note === note.text && row.noted_by === note.by) return true;
    runSql(database, 'UPDATE ledger SET note = :text, noted_by = :by, updated_at = :at WHERE id = :id', note);
    tellChange(database, { id: row.id, groupId: row.group_id, outcome: row.outcome, at: note.at });
    return true;
  });
}

/** Times of the ledger are whole seconds, as group ids are. */
export const ledgerTime = (unixMs: number): string => `${new Date(Math.round(unixMs / 1000) * 1000).toISOString().slice(0, 19)}Z`;

const rowOfGroup = (database: CatalogDatabase, groupId: string): LedgerRow | null =>
  rowOf(database, ledgerRow, 'SELECT * FROM ledger WHERE group_id = :groupId', { groupId });

export const rowById = (database: CatalogDatabase, id: number): LedgerRow | null =>
  rowOf(database, ledgerRow, 'SELECT * FROM ledger WHERE id = :id', { id });

/** Rows expected in `[start, end)`, and stretches that reach into it. */
export const ledgerBetween = (database: CatalogDatabase, start: string, end: string): LedgerRow[] =>
  rowsOf(
    database,
    ledgerRow,
    `SELECT * FROM ledger WHERE range_end_at IS NULL AND expected_at >= :start AND expected_at < :end
     UNION ALL SELECT * FROM ledger WHERE range_end_at > :start AND expected_at < :end ORDER BY expected_at, id`,
    { start, end },
  );

export const historyOf = (database: CatalogDatabase, rowId: number): LedgerHistoryRow[] =>
  rowsOf(database, ledgerHistoryRow, 'SELECT * FROM ledger_history WHERE ledger_id = :rowId ORDER BY id', { rowId });

export const countLedgerRows = (database: CatalogDatabase): number => valueOf(database, integer, 'SELECT COUNT(*) FROM ledger') ?? 0;
