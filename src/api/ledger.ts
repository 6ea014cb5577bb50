/** GET /ledger, row by row, and /ledger/summary, by day or hour: did we lose anything? */
import { z } from 'zod';
import { historyOf, type LedgerRow } from '../catalog/ledger.ts';
import { currentExpectation } from '../catalog/ledger-expectation.ts';
import { listLedger } from '../catalog/ledger-listing.ts';
import { ledgerCounts, newestExpected } from '../catalog/ledger-summary.ts';
import { isoFromUnixMs } from '../domain/utc.ts';
import type { ApiDependencies } from './api-dependencies.ts';
import type { ApiServer } from './api-server.ts';
import { type LedgerEntry, ledgerListSchema, ledgerOutcomeSchema, ledgerSummarySchema } from './contract/ledger.ts';
import { listQuerySchema } from './contract/listing.ts';
import { decodeTextCursor, encodeCursor } from './cursor.ts';
import { ApiProblem } from './problem.ts';
import { unixMsOfRequest } from './request-time.ts';

const intervalQuery = { start: z.string().max(40).optional(), end: z.string().max(40).optional() };
const ledgerQuerySchema = listQuerySchema.extend({ ...intervalQuery, outcome: ledgerOutcomeSchema.optional() });
const summaryQuerySchema = z.strictObject({ ...intervalQuery, by: z.enum(['day', 'hour']).default('day') });

/** What the summary shows when no start is asked for. */
const WEEK_MS = 7 * 86_400_000;

export function ledgerRoutes(app: ApiServer, { database, now }: ApiDependencies): void {
  app.route({
    method: 'GET',
    url: '/api/v1/ledger',
    config: { role: 'viewer' },
    schema: { querystring: ledgerQuerySchema, response: { 200: ledgerListSchema } },
    handler: async ({ query }) => {
      const { rows, total } = listLedger(database, {
        start: timeText('start', query.start),
        end: timeText('end', query.end),
        outcome: query.outcome ?? null,
        after: placeOf(query.cursor),
        limit: query.limit + 1,
      });
      const page = rows.slice(0, query.limit);
      const last = page.at(-1);
      const cursor = rows.length > page.length && last !== undefined ? encodeCursor(`${last.expected_at} ${last.id}`) : null;
      return { items: page.map(entryOf), next_cursor: cursor, total };
    },
  });

  app.route({
    method: 'GET',
    url: '/api/v1/ledger/summary',
    config: { role: 'viewer' },
    schema: { querystring: summaryQuerySchema, response: { 200: ledgerSummarySchema } },
    handler: async ({ query }) => {
      const newest = newestExpected(database);
      const end = timeText('end', query.end) ?? isoFromUnixMs(newest === null ? now() : Date.parse(newest) + 1000);
      const start = timeText('start', query.start) ?? isoFromUnixMs(Date.parse(end) - WEEK_MS);
      return {
        start_at: start,
        end_at: end,
        expectation: currentExpectation(database),
        counts: ledgerCounts(database, { start, end }, query.by),
      };
    },
  });

  const entryOf = (row: LedgerRow): LedgerEntry => ({
    row_id: row.id,
    group_id: row.group_id,
    expected_at: row.expected_at,
    range_end_at: row.range_end_at,
    groups: row.groups,
    expected_from: row.expected_from,
    dec_deg: row.dec_deg,
    outcome: row.outcome,
    reason: row.reason,
    degraded: row.outcome === 'degraded',
    note: row.note,
    noted_by: row.noted_by,
    history: historyOf(database, row.id).map(({ outcome, reason, until_at }) => ({ outcome, reason, until_at })),
  });
}

const timeText = (name: string, text: string | undefined): string | null =>
  text === undefined ? null : isoFromUnixMs(unixMsOfRequest(name, text));

function placeOf(cursor: string | undefined): { expectedAt: string; id: number } | null {
  const text = decodeTextCursor(cursor);
  if (text === undefined) return null;
  const [expectedAt = '', id] = text.split(' ');
  if (!Number.isInteger(Number(id))) throw new ApiProblem('invalid_cursor', 'the cursor was not made by this list');
  return { expectedAt, id: Number(id) };
}
