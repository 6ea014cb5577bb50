/** Rows of the ledger page by page, newest first. */
import { type LedgerOutcome, type LedgerRow, ledgerRow } from './ledger.ts';
import { type CatalogDatabase, integer, rowsOf, valueOf } from './statement.ts';

export interface LedgerFilter {
  /** Expected in `[start, end)`, or a stretch that reaches into it; RFC 3339 with Z. */
  start: string | null;
  end: string | null;
  outcome: LedgerOutcome | null;
  /** The last row of the page before. */
  after: { expectedAt: string; id: number } | null;
  limit: number;
}

const WHERE = `(:start IS NULL OR COALESCE(range_end_at, expected_at || '~') > :start) AND (:end IS NULL OR expected_at < :end)
  AND (:outcome IS NULL OR outcome = :outcome)`;

export function listLedger(database: CatalogDatabase, filter: LedgerFilter): { rows: LedgerRow[]; total: number } {
  const { start, end, outcome, after, limit } = filter;
  const rows = rowsOf(
    database,
    ledgerRow,
    `SELECT * FROM ledger WHERE ${WHERE} AND (:afterAt IS NULL OR (expected_at, id) < (:afterAt, :afterId))
     ORDER BY expected_at DESC, id DESC LIMIT :limit`,
    { start, end, outcome, afterAt: after?.expectedAt ?? null, afterId: after?.id ?? null, limit },
  );
  return { rows, total: valueOf(database, integer, `SELECT COUNT(*) FROM ledger WHERE ${WHERE}`, { start, end, outcome }) ?? 0 };
}
