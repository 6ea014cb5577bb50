/** GET /groups and /groups/{id}: what the product database knows of groups. An id may be any alias of the group. */
import { z } from 'zod';
import { filesOfGroup, type SubbandFileRow } from '../catalog/subband-files.ts';
import { groupById, type GroupRow as StoredGroup, listGroups } from '../catalog/groups.ts';
import { resolveGroup } from '../catalog/group-aliases.ts';
import { ledgerBetween } from '../catalog/ledger.ts';
import { attemptsOf } from '../catalog/step-attempts.ts';
import { productsOf } from '../catalog/products.ts';
import type { GroupId } from '../domain/group-id.ts';
import { explainGroup } from '../domain/group-explanation.ts';
import { groupStateSchema, isOpen, laneSchema } from '../domain/group-state.ts';
import { STEP_NAMES, stepIndex, stepNameSchema } from '../domain/step.ts';
import { secondTextFromUnixMs } from '../domain/utc.ts';
import type { ApiDependencies } from './api-dependencies.ts';
import type { ApiServer } from './api-server.ts';
import { type GroupDetail, type GroupRow, groupDetailSchema, groupListSchema, type SubbandCell } from './contract/group.ts';
import { listQuerySchema } from './contract/listing.ts';
import { decodeTextCursor, encodeCursor } from './cursor.ts';
import { ApiProblem } from './problem.ts';
import { unixMsOfRequest } from './request-time.ts';
import { workflowUrl } from './temporal-links.ts';

const groupsQuerySchema = listQuerySchema.extend({
  state: groupStateSchema.optional(),
  step: stepNameSchema.optional(),
  lane: laneSchema.optional(),
  host: z.string().max(100).optional(),
  degraded: z.stringbool().optional(),
  error_type: z.string().max(40).optional(),
  start: z.string().max(40).optional(),
  end: z.string().max(40).optional(),
  dec: z.coerce.number().min(-90).max(90).optional(),
});

export const groupParamsSchema = z.strictObject({ id: z.string().min(1).max(100) });

export function groupRoutes(app: ApiServer, dependencies: ApiDependencies): void {
  const { database } = dependencies;
  app.route({
    method: 'GET',
    url: '/api/v1/groups',
    config: { role: 'viewer' },
    schema: { querystring: groupsQuerySchema, response: { 200: groupListSchema } },
    handler: async ({ query }) => {
      const { groups, total } = listGroups(database, {
        state: query.state,
        step: query.step,
        lane: query.lane,
        host: query.host,
        degraded: query.degraded,
        errorType: query.error_type,
        decDeg: query.dec,
        start: timeText('start', query.start),
        end: timeText('end', query.end),
        before: decodeTextCursor(query.cursor),
        limit: query.limit + 1,
      });
      const page = groups.slice(0, query.limit);
      const last = page.at(-1);
      return {
        items: page.map(rowOfGroup),
        next_cursor: groups.length > page.length && last !== undefined ? encodeCursor(last.group_id) : null,
        total,
      };
    },
  });

  app.route({
    method: 'GET',
    url: '/api/v1/groups/:id',
    config: { role: 'viewer' },
    schema: { params: groupParamsSchema, response: { 200: groupDetailSchema } },
    handler: async ({ params }) => detailOfGroup(dependencies, canonicalGroupId(dependencies, params.id)),
  });
}

/** Group observation times are whole seconds; compared as text of one form. */
const timeText = (name: string, text: string | undefined): string | undefined =>
  text === undefined ? undefined : `${secondTextFromUnixMs(unixMsOfRequest(name, text))}Z`;

export function canonicalGroupId({ database }: Pick<ApiDependencies, 'database'>, idOrAlias: string): GroupId {
  const resolution = resolveGroup(database, idOrAlias);
  switch (resolution.kind) {
    case 'found':
      return resolution.groupId;
    case 'unknown':
      throw new ApiProblem('unknown_group', `there is no group ${idOrAlias}`);
    case 'ambiguous':
      throw new ApiProblem('ambiguous_group', `${idOrAlias} may mean ${resolution.groupIds.join(' or ')}`);
    default:
      return resolution satisfies never;
  }
}

function requireGroup({ database }: Pick<ApiDependencies, 'database'>, groupId: GroupId): StoredGroup {
  const group = groupById(database, groupId);
  if (group === null) throw new ApiProblem('unknown_group', `there is no group ${groupId}`);
  return group;
}

function rowOfGroup(group: StoredGroup): GroupRow {
  return {
    group_id: group.group_id,
    state: group.state,
    processing_stage: group.processing_stage,
    step: group.step,
    lane: group.lane,
    host: group.host,
    degraded: group.degraded_reasons.length > 0,
    degraded_reasons: group.degraded_reasons,
    present: group.present_subbands.length,
    expected: group.expected_subbands,
    observed_at: group.observed_at,
    updated_at: group.updated_at,
    waiting_for: group.waiting_for,
    error_type: group.error_type,
    error: failureOf(group),
  };
}

const failureOf = (group: StoredGroup): GroupRow['error'] =>
  group.error_type === null
    ? null
    : {
        type: group.error_type,
        code: group.error_code ?? group.error_type,
        message: group.error_message ?? '',
        remedy: group.error_remedy ?? '',
      };

function detailOfGroup(dependencies: ApiDependencies, groupId: GroupId): GroupDetail {
  const { database, settings } = dependencies;
  const group = requireGroup(dependencies, groupId);
  const subbands = cellsOf(filesOfGroup(database, groupId));
  const valid = subbands.filter((cell) => cell.status === 'valid').map((cell) => cell.subband);
  const explanation = explainGroup({
    groupId,
    state: group.state,
    step: group.step,
    // While it collects, the files are ahead of what the workflow last said.
    presentSubbands: group.state === 'collecting' ? valid : group.present_subbands,
    expectedSubbands: group.expected_subbands,
    degradedReasons: group.degraded_reasons,
    waitingFor: group.waiting_for,
    failedStep: group.failed_step,
    failure: failureOf(group),
    ledgerReason: ledgerReasonOf(database, group),
  });
  const failedStep = group.failed_step;
  const resumable = group.state === 'needs_attention' && failedStep !== null;
  return {
    ...rowOfGroup(group),
    subbands,
    attempts: attemptsOf(database, groupId).map((attempt) => ({
      step: attempt.step,
      attempt: attempt.attempt,
      run: attempt.run_id,
      host: attempt.host,
      started_at: attempt.started_at,
      ended_at: attempt.ended_at,
      duration_s: (Date.parse(attempt.ended_at) - Date.parse(attempt.started_at)) / 1000,
      outcome: attempt.outcome,
      note: attempt.note,
      error: attempt.error_code === null ? null : `${attempt.error_code}: ${attempt.message ?? ''}`,
      cpu_s: attempt.cpu_s,
      max_rss_bytes: attempt.max_rss_bytes,
    })),
    products: productsOf(database, groupId).map((product) => ({
      product_id: product.id,
      kind: product.kind,
      status: product.status,
      path: product.path,
      bytes: product.bytes,
      content_hash: product.content_hash,
      created_at: product.created_at,
      png_url: product.kind === 'image' ? `/api/v1/imaging/images/${product.id}/png` : null,
    })),
    explanation: explanation.sentences,
    next_automatic_action: explanation.nextAutomaticAction,
    verbs_allowed: [...(resumable ? (['resume'] as const) : []), ...(isOpen(group.state) ? (['cancel'] as const) : [])],
    resumable_from: resumable ? STEP_NAMES.filter((name) => stepIndex(name) <= stepIndex(failedStep)) : [],
    failed_step: failedStep,
    workflow: { id: group.workflow_id, run: group.run_id, ui_url: workflowUrl(settings.temporal, group.workflow_id, group.run_id) },
  };
}

const ledgerReasonOf = (database: ApiDependencies['database'], group: StoredGroup): string | null =>
  ledgerBetween(database, group.observed_at, `${group.observed_at}~`).find((row) => row.group_id === group.group_id)?.reason ?? null;

/** Best first: the file that counts for a subband is the valid one, else the newest that says why there is none. */
const PRECEDENCE: readonly SubbandFileRow['status'][] = ['valid', 'settling', 'invalid', 'duplicate', 'superseded', 'missing'];

function cellsOf(files: SubbandFileRow[]): SubbandCell[] {
  return Array.from({ length: 16 }, (_, subband) => {
    const best = files
      .filter((file) => file.subband === subband)
      .sort((one, other) => PRECEDENCE.indexOf(one.status) - PRECEDENCE.indexOf(other.status) || other.id - one.id)[0];
    if (best === undefined) return { subband, status: 'missing', arrived_at: null, bytes: null, reason: null };
    return { subband, status: best.status, arrived_at: best.first_seen_at, bytes: best.bytes, reason: best.reason };
  });
}
