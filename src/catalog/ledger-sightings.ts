/**
 * What was seen of the telescope, in order of time: groups by their headers, and groups known only by the names of files
 * that never got in. Read from the ledger, which has one row of each.
 */
import { z } from 'zod';
import type { HeaderTimes } from '../domain/expectation.ts';
import { mjdToUnixMs } from '../domain/utc.ts';
import { ledgerTime } from './ledger.ts';
import { booleanColumn, type CatalogDatabase, rowOf, rowsOf, runSql } from './statement.ts';

export interface Sighting {
  rowId: number;
  startMs: number;
  /** Null: known by names alone. */
  header: HeaderTimes | null;
  decDeg: number | null;
  /** Its files came when it was observed, not from an archive. */
  isLive: boolean;
  /** Since when the stretches beside it wait to be judged. */
  unjudgedSinceMs: number | null;
}

/** A group whose first file came later than this after its end was not watched as it was observed. */
const LIVE_WITHIN_MS = 3_600_000;

const sightingRow = z.object({
  id: z.int(),
  expected_at: z.string(),
  unjudged_since: z.string().nullable(),
  dec_deg: z.number().nullable(),
  header_t0_mjd: z.number().nullable(),
  integration_s: z.number().nullable(),
  integrations: z.int().nullable(),
  received_at: z.string().nullable(),
  is_complete: booleanColumn.nullable(),
});

const SELECT = `SELECT l.id, l.expected_at, l.unjudged_since, l.dec_deg, g.header_t0_mjd, g.integration_s, g.integrations, g.received_at,
    json_array_length(g.present_subbands) >= g.expected_subbands AS is_complete
  FROM ledger l LEFT JOIN groups g ON g.group_id = l.group_id WHERE l.expected_from <> 'cadence'`;

/** The newest that began by an instant, or of all, oldest first. */
export const newestSightings = (database: CatalogDatabase, byMs: number | null, count: number): Sighting[] =>
  rowsOf(database, sightingRow, `${SELECT} AND (:by IS NULL OR l.expected_at <= :by) ORDER BY l.expected_at DESC LIMIT :count`, {
    by: byMs === null ? null : ledgerTime(byMs),
    count,
  })
    .map(sightingOf)
    .toReversed();

/** As many as one look takes up: an archive of many thousand groups is judged over several minutes, and nobody waits for it. */
const JUDGED_AT_ONCE = 2000;

export const unjudgedSightings = (database: CatalogDatabase): Sighting[] =>
  rowsOf(database, sightingRow, `${SELECT} AND l.unjudged_since IS NOT NULL ORDER BY l.expected_at LIMIT ${JUDGED_AT_ONCE}`).map(
    sightingOf,
  );

export function neighboursOf(database: CatalogDatabase, seen: Sighting): { previous: Sighting | null; next: Sighting | null } {
  const at = ledgerTime(seen.startMs);
  const previous = rowOf(database, sightingRow, `${SELECT} AND l.expected_at < :at ORDER BY l.expected_at DESC LIMIT 1`, { at });
  const next = rowOf(database, sightingRow, `${SELECT} AND l.expected_at > :at ORDER BY l.expected_at LIMIT 1`, { at });
  return { previous: previous === null ? null : sightingOf(previous), next: next === null ? null : sightingOf(next) };
}

export function markJudged(database: CatalogDatabase, seen: Sighting): void {
  runSql(database, 'UPDATE ledger SET unjudged_since = NULL WHERE id = :id', { id: seen.rowId });
}

function sightingOf(row: z.infer<typeof sightingRow>): Sighting {
  const { header_t0_mjd: t0Mjd, integration_s: integrationS, integrations, received_at: receivedAt } = row;
  const unjudgedSinceMs = row.unjudged_since === null ? null : Date.parse(row.unjudged_since);
  const seen = { rowId: row.id, decDeg: row.dec_deg, unjudgedSinceMs };
  if (t0Mjd === null || integrationS === null || integrations === null || receivedAt === null) {
    return { ...seen, startMs: Date.parse(row.expected_at), header: null, isLive: false };
  }
  const startMs = mjdToUnixMs(t0Mjd) - (integrationS * 1000) / 2;
  const lengthMs = integrationS * integrations * 1000;
  return {
    ...seen,
    startMs,
    header: { startMs, lengthMs, isComplete: row.is_complete === true },
    isLive: Date.parse(receivedAt) - (startMs + lengthMs) <= LIVE_WITHIN_MS,
  };
}
