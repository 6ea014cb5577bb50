/** The end of what was waited for too long: a row may not stay pending when nothing can come any more by itself. */
import { changeOutcome, type LedgerRow, ledgerRow } from './ledger.ts';
import { type CatalogDatabase, rowsOf } from './statement.ts';

export interface Overdue {
  nowMs: number;
  /** RFC 3339 with Z. */
  at: string;
  /** From the begin of a group to the end of its collecting. */
  waitMs: number;
  /** Files seen this short a time ago may still become a group. */
  settleMs: number;
}

export function closeOverdue(database: CatalogDatabase, overdue: Overdue): void {
  for (const row of withoutGroup(database)) {
    if (!isOver(row, overdue)) continue;
    if (row.expected_from === 'cadence')
      changeOutcome(database, row, { outcome: 'missing', reason: 'no file of it was seen', at: overdue.at });
    else changeOutcome(database, row, { outcome: 'skipped', reason: row.reason, at: overdue.at });
  }
  for (const row of neverStarted(database)) {
    const reason = 'its files went away or turned out invalid before its workflow heard of one';
    if (isOver(row, overdue)) changeOutcome(database, row, { outcome: 'skipped', reason, at: overdue.at });
  }
}

function isOver(row: LedgerRow, { nowMs, waitMs, settleMs }: Overdue): boolean {
  const sinceSeenMs = row.unjudged_since === null ? settleMs : Math.abs(nowMs - Date.parse(row.unjudged_since));
  return nowMs > Date.parse(row.expected_at) + waitMs && sinceSeenMs >= settleMs;
}

const withoutGroup = (database: CatalogDatabase): LedgerRow[] =>
  rowsOf(
    database,
    ledgerRow,
    `SELECT * FROM ledger WHERE group_id IS NULL AND outcome = 'pending' AND range_end_at IS NULL ORDER BY expected_at`,
  );

/** Groups that were founded and have no file left to tell a workflow of. */
const neverStarted = (database: CatalogDatabase): LedgerRow[] =>
  rowsOf(
    database,
    ledgerRow,
    `SELECT l.* FROM groups g JOIN ledger l ON l.group_id = g.group_id
     WHERE g.state = 'collecting' AND g.run_id IS NULL AND l.outcome = 'pending'
       AND NOT EXISTS (SELECT 1 FROM subband_files f WHERE f.group_id = g.group_id AND f.status = 'valid')`,
  );
