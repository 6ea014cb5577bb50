/**
 * Rows of what was not seen: one a group that is waited for, one a stretch of silence. A stretch keeps its row while it
 * grows, shrinks or parts; rows that a stretch stands for are folded into it. Nothing here counts a group twice.
 */
import { z } from 'zod';
import { isSilence, type Stretch } from '../domain/expectation.ts';
import { type LedgerRow, changeOutcome, ledgerRow, ledgerTime, tellChange } from './ledger.ts';
import { type CatalogDatabase, rowOf, rowsOf, runSql } from './statement.ts';

export interface Holes {
  cadenceMs: number;
  /** RFC 3339 with Z. */
  at: string;
  /** The strip expected at an instant; null when nothing tells. */
  decDegAt: (ms: number) => number | null;
}

const WAITED_FOR = 'no file of it yet';
const SILENT = 'no data from correlator';
const SEEN_AFTER_ALL = 'every group of this stretch was seen later';

/** Stretches of silence, and emptied ones, that reach into `(fromMs, toMs)`. */
export const rangesWithin = (database: CatalogDatabase, fromMs: number, toMs: number): LedgerRow[] =>
  rowsOf(
    database,
    ledgerRow,
    'SELECT * FROM ledger WHERE range_end_at IS NOT NULL AND expected_at < :to AND range_end_at > :from ORDER BY expected_at',
    { from: ledgerTime(fromMs), to: ledgerTime(toMs) },
  );

/**
 * Gives every unseen stretch its rows. One that lies where a range is takes that range over; another is written only if
 * `mayOpen` says so. Ranges that nothing is missing from any more keep their row, for no group.
 */
export function cover(
  database: CatalogDatabase,
  holes: Holes & {
    stretches: readonly Stretch[];
    ranges: readonly LedgerRow[];
    mayOpen: (stretch: Stretch) => 'range' | 'rows' | 'nothing';
  },
): void {
  const taken = new Set<number>();
  for (const stretch of holes.stretches) {
    const overlapping = holes.ranges.filter((row) => overlaps(row, stretch));
    const own = overlapping.find((row) => !taken.has(row.id));
    if (own !== undefined) {
      taken.add(own.id);
      moveRange(database, own, stretch, holes.at);
      continue;
    }
    const wasCovered = overlapping.length > 0 && isSilence(stretch);
    const opening = wasCovered ? 'range' : holes.mayOpen(stretch);
    if (opening === 'range') openRange(database, stretch, holes);
    if (opening === 'rows') for (const beginMs of stretch.beginsMs) awaitGroup(database, beginMs, holes);
  }
  for (const row of holes.ranges) if (!taken.has(row.id)) emptyRange(database, row, holes.at);
}

const firstOf = (stretch: Stretch): number => stretch.beginsMs[0] ?? stretch.endMs;

function overlaps(row: LedgerRow, stretch: Stretch): boolean {
  const endMs = Date.parse(row.range_end_at ?? row.expected_at);
  return Date.parse(row.expected_at) < stretch.endMs && endMs > firstOf(stretch);
}

/** One row a group that should have begun, unless something is there already. */
function awaitGroup(database: CatalogDatabase, beginMs: number, holes: Holes): void {
  const halfMs = holes.cadenceMs / 2;
  const there = rowOf(
    database,
    z.object({ id: z.int() }),
    `SELECT id FROM ledger WHERE range_end_at IS NULL AND expected_at BETWEEN :from AND :to
     UNION ALL SELECT id FROM ledger WHERE range_end_at > :begin AND expected_at <= :begin AND groups > 0 LIMIT 1`,
    { from: ledgerTime(beginMs - halfMs), to: ledgerTime(beginMs + halfMs), begin: ledgerTime(beginMs) },
  );
  if (there !== null) return;
  const { lastInsertRowid } = runSql(
    database,
    `INSERT INTO ledger (expected_at, expected_from, within_s, dec_deg, outcome, reason, updated_at)
     VALUES (:expectedAt, 'cadence', :withinS, :decDeg, 'pending', :reason, :at)`,
    { expectedAt: ledgerTime(beginMs), withinS: halfMs / 1000, decDeg: holes.decDegAt(beginMs), reason: WAITED_FOR, at: holes.at },
  );
  tellChange(database, { id: Number(lastInsertRowid), groupId: null, outcome: 'pending', at: holes.at });
}

function openRange(database: CatalogDatabase, stretch: Stretch, holes: Holes): void {
  const halfMs = holes.cadenceMs / 2;
  const folded = rowsOf(
    database,
    ledgerRow,
    `SELECT * FROM ledger WHERE expected_from = 'cadence' AND range_end_at IS NULL AND expected_at BETWEEN :from AND :to ORDER BY id`,
    { from: ledgerTime(firstOf(stretch) - halfMs), to: ledgerTime(stretch.endMs - halfMs) },
  );
  for (const { id } of folded) {
    runSql(database, 'DELETE FROM ledger_history WHERE ledger_id = :id', { id });
    runSql(database, 'DELETE FROM ledger WHERE id = :id', { id });
  }
  const noted = folded.find((row) => row.note !== null);
  const { lastInsertRowid } = runSql(
    database,
    `INSERT INTO ledger (expected_at, range_end_at, groups, expected_from, within_s, dec_deg, outcome, reason, note, noted_by, updated_at)
     VALUES (:start, :end, :groups, 'cadence', 0, :decDeg, 'missing', :reason, :note, :notedBy, :at)`,
    {
      start: ledgerTime(firstOf(stretch)),
      end: ledgerTime(stretch.endMs),
      groups: stretch.beginsMs.length,
      decDeg: holes.decDegAt(firstOf(stretch)),
      reason: SILENT,
      note: noted?.note ?? null,
      notedBy: noted?.noted_by ?? null,
      at: holes.at,
    },
  );
  tellChange(database, { id: Number(lastInsertRowid), groupId: null, outcome: 'missing', at: holes.at });
}

function moveRange(database: CatalogDatabase, row: LedgerRow, stretch: Stretch, at: string): void {
  const [start, end, groups] = [ledgerTime(firstOf(stretch)), ledgerTime(stretch.endMs), stretch.beginsMs.length];
  if (row.expected_at !== start || row.range_end_at !== end || row.groups !== groups) {
    runSql(database, 'UPDATE ledger SET expected_at = :start, range_end_at = :end, groups = :groups, updated_at = :at WHERE id = :id', {
      start,
      end,
      groups,
      at,
      id: row.id,
    });
    tellChange(database, { id: row.id, groupId: null, outcome: 'missing', at });
  }
  changeOutcome(database, row, { outcome: 'missing', reason: SILENT, at });
}

function emptyRange(database: CatalogDatabase, row: LedgerRow, at: string): void {
  runSql(database, 'UPDATE ledger SET groups = 0 WHERE id = :id', { id: row.id });
  changeOutcome(database, row, { outcome: 'done', reason: SEEN_AFTER_ALL, at });
}
