/**
 * The figures of page Now, each one query over an index, so that the page costs the same with a hundred groups and with a
 * hundred thousand. What was not measured is null.
 */
import { z } from 'zod';
import { LEDGER_OUTCOMES } from '../catalog/ledger.ts';
import { type CatalogDatabase, rowOf, rowsOf } from '../catalog/statement.ts';
import { GROUP_STATES } from '../domain/group-state.ts';
import { median } from '../domain/median.ts';
import { STEPS } from '../domain/step.ts';
import { isoFromUnixMs, unixMsToMjd } from '../domain/utc.ts';
import type { Status } from './contract/status.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
/** Groups whose median is the real-time factor. */
const GROUPS_MEASURED = 12;

export type NowFigures = Pick<
  Status,
  | 'queue'
  | 'realtime_factor'
  | 'lag_s'
  | 'oldest_pending_s'
  | 'needs_attention'
  | 'last_file_at'
  | 'arrivals_last_hour'
  | 'completions_last_hour'
  | 'ledger_today'
  | 'calibration_age_h'
>;

export function readNowFigures(database: CatalogDatabase, nowMs: number, heavySlots: number): NowFigures {
  const hourAgo = isoFromUnixMs(nowMs - HOUR_MS);
  const queue = countsBy(database, GROUP_STATES, 'SELECT state AS name, COUNT(*) AS n FROM groups GROUP BY state', {});
  const oldestPending = textOf(database, "SELECT MIN(received_at) AS value FROM groups WHERE state = 'pending'");
  const newestSet = numberOf(database, "SELECT MAX(mid_mjd) AS value FROM calibration_sets WHERE status = 'active'");
  const dayStartMs = Math.floor(nowMs / DAY_MS) * DAY_MS;
  return {
    queue,
    needs_attention: queue.needs_attention,
    realtime_factor: realtimeFactor(database, heavySlots),
    lag_s: lagOfNewest(database),
    oldest_pending_s: oldestPending === null ? null : (nowMs - Date.parse(oldestPending)) / 1000,
    last_file_at: textOf(database, 'SELECT MAX(first_seen_at) AS value FROM subband_files'),
    arrivals_last_hour: countOf(database, 'SELECT COUNT(*) AS value FROM subband_files WHERE first_seen_at >= :hourAgo', { hourAgo }),
    completions_last_hour: countOf(
      database,
      "SELECT COUNT(*) AS value FROM groups WHERE completed_at >= :hourAgo AND state = 'completed'",
      {
        hourAgo,
      },
    ),
    ledger_today: countsBy(
      database,
      LEDGER_OUTCOMES,
      'SELECT outcome AS name, SUM(groups) AS n FROM ledger WHERE expected_at >= :start AND expected_at < :end GROUP BY outcome',
      { start: isoFromUnixMs(dayStartMs).slice(0, 10), end: isoFromUnixMs(dayStartMs + DAY_MS).slice(0, 10) },
    ),
    calibration_age_h: newestSet === null ? null : (unixMsToMjd(nowMs) - newestSet) * 24,
  };
}

const textOf = (database: CatalogDatabase, sql: string): string | null =>
  rowOf(database, z.object({ value: z.string().nullable() }), sql)?.value ?? null;
const numberOf = (database: CatalogDatabase, sql: string): number | null =>
  rowOf(database, z.object({ value: z.number().nullable() }), sql)?.value ?? null;
const countOf = (database: CatalogDatabase, sql: string, parameters: Record<string, string>): number =>
  rowOf(database, z.object({ value: z.int() }), sql, parameters)?.value ?? 0;

function countsBy<Name extends string>(
  database: CatalogDatabase,
  names: readonly Name[],
  sql: string,
  parameters: Record<string, string>,
): Record<Name, number> {
  const rows = rowsOf(database, z.object({ name: z.enum(names), n: z.int() }), sql, parameters);
  const counted = new Map<string, number>(rows.map((row) => [row.name, row.n]));
  return z.record(z.enum(names), z.int()).parse(Object.fromEntries(names.map((name) => [name, counted.get(name) ?? 0])));
}

/** Steps that hold one of the host's heavy slots while they run. */
const HEAVY_STEPS: readonly string[] = STEPS.filter((step) => step.class === 'science' || step.class === 'solve').map((step) => step.name);

/** Group length over the time one group keeps one slot busy, times the slots: how many telescopes this host could follow. */
function realtimeFactor(database: CatalogDatabase, heavySlots: number): number | null {
  const groups = rowsOf(
    database,
    z.object({ length_s: z.number(), busy_s: z.number().nullable() }),
    `SELECT g.integration_s * g.integrations AS length_s,
       (SELECT SUM(a.wall_s) FROM step_attempts a
        WHERE a.group_id = g.group_id AND a.run_id = g.run_id AND a.step IN (SELECT value FROM json_each(:heavySteps))) AS busy_s
     FROM groups g WHERE g.completed_at IS NOT NULL AND g.state = 'completed' ORDER BY g.completed_at DESC LIMIT ${GROUPS_MEASURED}`,
    { heavySteps: JSON.stringify(HEAVY_STEPS) },
  );
  return median(groups.flatMap(({ length_s, busy_s }) => (busy_s === null || busy_s <= 0 ? [] : [(length_s * heavySlots) / busy_s])));
}

function lagOfNewest(database: CatalogDatabase): number | null {
  const newest = rowOf(
    database,
    z.object({ completed_at: z.string(), last_arrival_at: z.string().nullable() }),
    `SELECT g.completed_at,
       (SELECT MAX(f.first_seen_at) FROM subband_files f WHERE f.group_id = g.group_id AND f.status = 'valid') AS last_arrival_at
     FROM groups g WHERE g.completed_at IS NOT NULL AND g.state = 'completed' ORDER BY g.completed_at DESC LIMIT 1`,
  );
  if (newest === null || newest.last_arrival_at === null) return null;
  return (Date.parse(newest.completed_at) - Date.parse(newest.last_arrival_at)) / 1000;
}
