/**
 * Rows of what was not seen: one a group that is waited for, one a stretch of silence. A stretch keeps its row while it
 * grows, shrinks or parts; rows that a stretch stands for are folded into it, and rows that nothing is expected by any more
 * are withdrawn. Nothing here counts a group twice.
 */
import { isSilence, type Stretch } from '../domain/expectation.ts';
import { type LedgerRow, changeOutcome, ledgerBetween, ledgerTime, tellChange } from './ledger.ts';
import { type CatalogDatabase, runSql } from './statement.ts';

export interface Holes {
  /** Nothing was seen between these. */
  fromMs: number;
  toMs: number;
  cadenceMs: number;
  stretches: readonly Stretch[];
  /** What to write for a stretch that has no range yet. */
  mayOpen: (stretch: Stretch) => 'range' | 'rows' | 'nothing';
  /** RFC 3339 with Z. */
  at: string;
  /** The strip expected at an instant; null when nothing tells. */
  decDegAt: (ms: number) => number | null;
}

const WAITED_FOR = 'no file of it yet';
const SILENT = 'no data from correlator';
const SEEN_AFTER_ALL = 'every group of this stretch was seen later';

/** Ranges, full or emptied, that reach into the window, and rows that wait in it. */
function rowsWithin(database: CatalogDatabase, { fromMs, toMs }: Holes): { ranges: LedgerRow[]; waiting: LedgerRow[] } {
  const rows = ledgerBetween(database, ledgerTime(fromMs), ledgerTime(toMs)).filter((row) => row.expected_from === 'cadence');
  return { ranges: rows.filter((row) => row.range_end_at !== null), waiting: rows.filter((row) => row.range_end_at === null) };
}

/** Gives every unseen stretch its rows, and the rows that are there their stretch. */
export function cover(database: CatalogDatabase, holes: Holes): void {
  const { ranges, waiting } = rowsWithin(database, holes);
  const claimed = new Set<number>();
  const claim = (row: LedgerRow): LedgerRow => {
    claimed.add(row.id);
    return row;
  };
  for (const stretch of holes.stretches) {
    const overlapping = ranges.filter((row) => overlaps(row, stretch));
    const own = overlapping.find((row) => !claimed.has(row.id));
    const opening = overlapping.length > 0 && isSilence(stretch) ? 'range' : holes.mayOpen(stretch);
    if (own !== undefined) {
      moveRange(database, claim(own), stretch, holes.at);
    } else if (opening === 'range') {
      openRange(database, stretch, holes, waiting.find((row) => row.note !== null && overlaps(row, stretch)) ?? null);
    } else {
      for (const beginMs of stretch.beginsMs) {
        const row = nearest(waiting, beginMs, (one) => !claimed.has(one.id) && distance(one, beginMs) <= holes.cadenceMs / 2);
        if (row !== null) moveWaiting(database, claim(row), beginMs);
        else if (opening === 'rows') awaitGroup(database, beginMs, holes);
      }
    }
  }
  for (const row of ranges) if (!claimed.has(row.id)) emptyRange(database, row, holes.at);
  for (const row of waiting) if (!claimed.has(row.id)) withdraw(database, row);
}

const firstOf = (stretch: Stretch): number => stretch.beginsMs[0] ?? stretch.endMs;
const distance = (row: LedgerRow, ms: number): number => Math.abs(Date.parse(row.expected_at) - ms);
const nearest = (rows: readonly LedgerRow[], ms: number, fits: (row: LedgerRow) => boolean): LedgerRow | null =>
  rows.filter(fits).toSorted((one, other) => distance(one, ms) - distance(other, ms))[0] ?? null;

function overlaps(row: LedgerRow, stretch: Stretch): boolean {
  const startMs = Date.parse(row.expected_at);
  const endMs = row.range_end_at === null ? startMs + 1 : Date.parse(row.range_end_at);
  return startMs < stretch.endMs && endMs > firstOf(stretch);
}

function awaitGroup(database: CatalogDatabase, beginMs: number, { cadenceMs, decDegAt, at }: Holes): void {
  const { lastInsertRowid } = runSql(
    database,
    `INSERT INTO ledger (expected_at, expected_from, within_s, dec_deg, outcome, reason, updated_at)
     VALUES (:expectedAt, 'cadence', :withinS, :decDeg, 'pending', :reason, :at)`,
    { expectedAt: ledgerTime(beginMs), withinS: cadenceMs / 2000, decDeg: decDegAt(beginMs), reason: WAITED_FOR, at },
  );
  tellChange(database, { id: Number(lastInsertRowid), groupId: null, outcome: 'pending', at });
}

/** After a restart the groups come on another phase, and what is waited for with them. */
function moveWaiting(database: CatalogDatabase, row: LedgerRow, beginMs: number): void {
  const expectedAt = ledgerTime(beginMs);
  if (expectedAt !== row.expected_at)
    runSql(database, 'UPDATE ledger SET expected_at = :expectedAt WHERE id = :id', { expectedAt, id: row.id });
}

/** Folded into a range, or never to come: the groups beside it leave no room, or the schedule expects nothing there. */
function withdraw(database: CatalogDatabase, { id }: LedgerRow): void {
  runSql(database, 'DELETE FROM ledger_history WHERE ledger_id = :id', { id });
  runSql(database, 'DELETE FROM ledger WHERE id = :id', { id });
}

function openRange(database: CatalogDatabase, stretch: Stretch, { decDegAt, at }: Holes, noted: LedgerRow | null): void {
  const { lastInsertRowid } = runSql(
    database,
    `INSERT INTO ledger (expected_at, range_end_at, groups, expected_from, within_s, dec_deg, outcome, reason, note, noted_by, updated_at)
     VALUES (:start, :end, :groups, 'cadence', 0, :decDeg, 'missing', :reason, :note, :notedBy, :at)`,
    {
      start: ledgerTime(firstOf(stretch)),
      end: ledgerTime(stretch.endMs),
      groups: stretch.beginsMs.length,
      decDeg: decDegAt(firstOf(stretch)),
      reason: SILENT,
      note: noted?.note ?? null,
      notedBy: noted?.noted_by ?? null,
      at,
    },
  );
  tellChange(database, { id: Number(lastInsertRowid), groupId: null, outcome: 'missing', at });
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
