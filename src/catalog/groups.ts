/**
 * Rows of observation groups: founded at admission of the first file, then projected by the group's workflow
 * (group-projection.ts). An id, once issued, never changes its key and is never used for another.
 */
import { z } from 'zod';
import type { GroupKey } from '../domain/arrival.ts';
import { FAILURE_TYPES, SIDE_EFFECTS } from '../domain/failure.ts';
import { type GroupId, groupIdSchema, nextGroupId, workflowIdOfGroup } from '../domain/group-id.ts';
import { type Lane, degradedReasonSchema, groupStateSchema, laneSchema, processingStageSchema } from '../domain/group-state.ts';
import { stepNameSchema } from '../domain/step.ts';
import { SUBBANDS_PER_GROUP } from '../domain/subband.ts';
import { jdToMjd } from '../domain/utc.ts';
import { appendEvent } from './events.ts';
import { addAlias } from './group-aliases.ts';
import { openLedgerRow } from './ledger.ts';
import { type CatalogDatabase, type SqlValue, inTransaction, jsonColumn, rowOf, rowsOf, runSql } from './statement.ts';

const MJD_ZERO_JD = 2_400_000.5;
const DEGREES_PER_RADIAN = 180 / Math.PI;
/** Two declinations this close are the same pointing (raw headers agree to the last bit). */
export const SAME_DECLINATION_RAD = 1e-7;

export const groupRow = z.object({
  group_id: groupIdSchema,
  workflow_id: z.string(),
  run_id: z.string().nullable(),
  run_number: z.int(),
  revision: z.int(),
  state: groupStateSchema,
  processing_stage: processingStageSchema,
  step: stepNameSchema.nullable(),
  lane: laneSchema,
  host: z.string().nullable(),
  expected_subbands: z.int(),
  present_subbands: jsonColumn(z.array(z.int())),
  degraded_reasons: jsonColumn(z.array(degradedReasonSchema)),
  waiting_for: z.string().nullable(),
  failed_step: stepNameSchema.nullable(),
  error_type: z.enum(FAILURE_TYPES).nullable(),
  error_code: z.string().nullable(),
  error_message: z.string().nullable(),
  error_remedy: z.string().nullable(),
  error_side_effects: z.enum(SIDE_EFFECTS).nullable(),
  capsule_path: z.string().nullable(),
  has_calibrator: z.string().nullable(),
  header_t0_mjd: z.number(),
  dec_deg: z.number(),
  integration_s: z.number(),
  integrations: z.int(),
  observed_at: z.string(),
  received_at: z.string(),
  completed_at: z.string().nullable(),
  updated_at: z.string(),
});
export type GroupRow = z.infer<typeof groupRow>;

/** The key as ingest and workflow speak it; the declination went through degrees and is good to 1e-15 rad. */
export const keyOfGroup = (row: GroupRow): GroupKey => ({
  t0Jd: row.header_t0_mjd + MJD_ZERO_JD,
  decRad: row.dec_deg / DEGREES_PER_RADIAN,
  integrationS: row.integration_s,
  integrations: row.integrations,
});

export const keyColumns = (key: GroupKey): { headerT0Mjd: number; decDeg: number; integrationS: number; integrations: number } => ({
  headerT0Mjd: jdToMjd(key.t0Jd),
  decDeg: key.decRad * DEGREES_PER_RADIAN,
  integrationS: key.integrationS,
  integrations: key.integrations,
});

/** The group that a file with this header belongs to, by distance: the nearest within half an integration. */
export function findGroupByKey(
  database: CatalogDatabase,
  key: { t0Jd: number; decRad: number; halfIntegrationJd: number },
): GroupRow | null {
  const t0Mjd = jdToMjd(key.t0Jd);
  return rowOf(
    database,
    groupRow,
    `SELECT * FROM groups
     WHERE header_t0_mjd > :t0Mjd - :halfIntegrationJd AND header_t0_mjd < :t0Mjd + :halfIntegrationJd
       AND abs(dec_deg - :decDeg) <= :toleranceDeg
     ORDER BY abs(header_t0_mjd - :t0Mjd) LIMIT 1`,
    {
      t0Mjd,
      halfIntegrationJd: key.halfIntegrationJd,
      decDeg: key.decRad * DEGREES_PER_RADIAN,
      toleranceDeg: SAME_DECLINATION_RAD * DEGREES_PER_RADIAN,
    },
  );
}

export interface Founding {
  key: GroupKey;
  /** From the header (src/domain/group-id.ts); when another key holds it, the next free second is issued. */
  groupId: GroupId;
  /** RFC 3339 with Z: when the founding file was admitted. */
  receivedAt: string;
  expectedSubbands?: number;
  lane?: Lane;
}

/** Founds the row of a new group and answers the id issued. The same key again answers the id it has. */
export function issueGroup(database: CatalogDatabase, founding: Founding): GroupId {
  return inTransaction(database, () => {
    const halfIntegrationJd = founding.key.integrationS / 2 / 86_400;
    const known = findGroupByKey(database, { ...founding.key, halfIntegrationJd });
    if (known !== null) return known.group_id;
    let groupId = founding.groupId;
    while (groupById(database, groupId) !== null) groupId = nextGroupId(groupId);
    const observedAt = `${groupId}Z`;
    runSql(
      database,
      `INSERT INTO groups (group_id, workflow_id, state, processing_stage, lane, expected_subbands,
         header_t0_mjd, dec_deg, integration_s, integrations, observed_at, received_at, updated_at)
       VALUES (:groupId, :workflowId, 'collecting', 'collecting', :lane, :expectedSubbands,
         :headerT0Mjd, :decDeg, :integrationS, :integrations, :observedAt, :receivedAt, :receivedAt)`,
      {
        groupId,
        workflowId: workflowIdOfGroup(groupId),
        lane: founding.lane ?? 'live',
        expectedSubbands: founding.expectedSubbands ?? SUBBANDS_PER_GROUP,
        ...keyColumns(founding.key),
        observedAt,
        receivedAt: founding.receivedAt,
      },
    );
    if (groupId !== founding.groupId) {
      addAlias(database, { alias: founding.groupId, groupId, source: 'its header start; another key holds that id' });
    }
    openLedgerRow(database, { groupId, expectedAt: observedAt, decDeg: keyColumns(founding.key).decDeg, at: founding.receivedAt });
    const payload = { group_id: groupId, state: 'collecting' };
    appendEvent(database, { at: founding.receivedAt, topic: 'group.state', groupId, payload });
    return groupId;
  });
}

export const groupById = (database: CatalogDatabase, groupId: string): GroupRow | null =>
  rowOf(database, groupRow, 'SELECT * FROM groups WHERE group_id = :groupId', { groupId });

export interface GroupFilter {
  state?: GroupRow['state'] | undefined;
  step?: GroupRow['step'] | undefined;
  lane?: Lane | undefined;
  host?: string | undefined;
  degraded?: boolean | undefined;
  errorType?: string | undefined;
  /** Observed in `[start, end)`, RFC 3339. */
  start?: string | undefined;
  end?: string | undefined;
  decDeg?: number | undefined;
  /** Only groups before this one in the listing's order: the last `group_id` of the page before. */
  before?: string | undefined;
  limit: number;
}

/** Newest observation first. */
export function listGroups(database: CatalogDatabase, filter: GroupFilter): { groups: GroupRow[]; total: number } {
  const [where, parameters] = conditions(filter);
  const total = rowOf(database, z.object({ n: z.int() }), `SELECT COUNT(*) AS n FROM groups${where}`, parameters)?.n ?? 0;
  const [wherePage, pageParameters] = conditions(filter, filter.before);
  const groups = rowsOf(database, groupRow, `SELECT * FROM groups${wherePage} ORDER BY group_id DESC LIMIT :limit`, {
    ...pageParameters,
    limit: filter.limit,
  });
  return { groups, total };
}

/** A declination within one degree is the same strip: pointings differ by more. */
const STRIP_HALF_WIDTH_DEG = 0.5;

function conditions(filter: GroupFilter, before?: string): [string, Record<string, SqlValue>] {
  const parts: [string, Record<string, SqlValue>][] = [];
  if (filter.state !== undefined) parts.push(['state = :state', { state: filter.state }]);
  if (filter.step !== undefined) parts.push(['step IS :step', { step: filter.step }]);
  if (filter.lane !== undefined) parts.push(['lane = :lane', { lane: filter.lane }]);
  if (filter.host !== undefined) parts.push(['host = :host', { host: filter.host }]);
  if (filter.errorType !== undefined) parts.push(['error_type = :errorType', { errorType: filter.errorType }]);
  if (filter.degraded !== undefined) parts.push([`(degraded_reasons <> '[]') = :degraded`, { degraded: filter.degraded ? 1 : 0 }]);
  if (filter.start !== undefined) parts.push(['observed_at >= :start', { start: filter.start }]);
  if (filter.end !== undefined) parts.push(['observed_at < :end', { end: filter.end }]);
  if (filter.decDeg !== undefined) {
    parts.push(['abs(dec_deg - :decDeg) <= :stripHalfWidthDeg', { decDeg: filter.decDeg, stripHalfWidthDeg: STRIP_HALF_WIDTH_DEG }]);
  }
  if (before !== undefined) parts.push(['group_id < :before', { before }]);
  if (parts.length === 0) return ['', {}];
  return [` WHERE ${parts.map(([sql]) => sql).join(' AND ')}`, Object.assign({}, ...parts.map(([, parameters]) => parameters))];
}
