/**
 * Works off the groups of a range: so many at once, page by page, until none is left. A group is a workflow of its own that
 * this one only starts and watches, so that stopping it stops no group, and running it again starts nothing that is done.
 */
import {
  condition,
  continueAsNew,
  ParentClosePolicy,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  startChild,
  defineQuery,
  defineSignal,
  workflowInfo,
} from '@temporalio/workflow';
import type { CatalogActivities } from '../activities/contract.ts';
import {
  BACKFILL_QUERIES,
  BACKFILL_SIGNALS,
  type BackfillGroup,
  type BackfillInput,
  backfillInputSchema,
  type BackfillProgress,
  type BackfillRequest,
  backfillRequestSchema,
  planBackfill,
} from '../src/domain/backfill.ts';
import { workflowIdOfGroup } from '../src/domain/group-id.ts';
import { isOpen, LANE_PRIORITY } from '../src/domain/group-state.ts';
import type { ObservationGroupInput } from '../src/domain/observation-group.ts';
import { catalogOptions } from './activity-options.ts';
import type { observationGroup } from './observation-group.ts';

const ALREADY_STARTED = 'WorkflowExecutionAlreadyStartedError';

export async function backfill(rawInput: BackfillInput): Promise<BackfillProgress> {
  const input = backfillInputSchema.parse(rawInput);
  const catalog = proxyActivities<CatalogActivities>(catalogOptions(input.lane));
  const now = input.before ?? newProgress(input);
  let asked = false;
  const onRequest = (state: BackfillProgress['state']) => (raw: BackfillRequest) => {
    const request = backfillRequestSchema.safeParse(raw);
    // What was stopped stays stopped.
    if (now.state === 'stopped') return;
    now.state = state;
    now.stateReason = request.success ? `${request.data.by}: ${request.data.reason}` : 'asked by a signal without a name';
    asked = true;
  };
  setHandler(defineSignal<[BackfillRequest]>(BACKFILL_SIGNALS.pause), onRequest('paused'));
  setHandler(defineSignal<[BackfillRequest]>(BACKFILL_SIGNALS.continue), onRequest('running'));
  setHandler(defineSignal<[BackfillRequest]>(BACKFILL_SIGNALS.stop), onRequest('stopped'));
  setHandler(defineQuery<BackfillProgress>(BACKFILL_QUERIES.progress), () => now);

  const { startAt, endAt, pageSize } = input;
  const page = await catalog.groupsOfRange({ startAt, endAt, after: now.cursor, limit: pageSize });
  const isLastPage = page.length < pageSize;
  for (;;) {
    while (now.state === 'running' && now.open.length < input.window) {
      const group = page.shift();
      if (group === undefined) break;
      await take(input, now, group);
    }
    setCurrentDetails(inWords(now));
    if (now.state === 'stopped') return now;
    if (page.length === 0 && !isLastPage && now.state === 'running') break;
    if (page.length === 0 && isLastPage && now.open.length === 0) return { ...now, state: 'done' };
    if (workflowInfo().continueAsNewSuggested) break;
    asked = false;
    if (now.open.length === 0) await condition(() => asked);
    else await condition(() => asked, input.lookEveryMs);
    await look(catalog, now);
  }
  return continueAsNew<typeof backfill>({ ...input, before: now });
}

async function take(input: BackfillInput, now: BackfillProgress, group: BackfillGroup): Promise<void> {
  const { groupId, key, runNumber } = group;
  now.found += 1;
  now.cursor = groupId;
  const plan = planBackfill(group, input.force);
  if (plan.kind === 'skip') {
    now.skipped[plan.why] = (now.skipped[plan.why] ?? 0) + 1;
    return;
  }
  const { lane, policy, parameters, configDigest } = input;
  const order: ObservationGroupInput = {
    schemaVersion: 1,
    groupId,
    key,
    lane,
    policy,
    parameters,
    configDigest,
    runNumber: runNumber + 1,
    runReason: plan.runReason,
    arrivals: [],
  };
  try {
    await startChild<typeof observationGroup>('observationGroup', {
      workflowId: workflowIdOfGroup(groupId),
      args: [order],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      priority: { priorityKey: LANE_PRIORITY[lane] },
    });
    now.started += 1;
    now.open.push({ groupId, fromRun: runNumber + 1 });
  } catch (error) {
    if (!(error instanceof Error && error.name === ALREADY_STARTED)) throw error;
    now.joined += 1;
    now.open.push({ groupId, fromRun: runNumber });
  }
}

/** Frees the places of groups that ended or wait for a person. */
async function look(catalog: CatalogActivities, now: BackfillProgress): Promise<void> {
  if (now.open.length === 0) return;
  const rows = new Map((await catalog.statesOfGroups(now.open.map(({ groupId }) => groupId))).map((row) => [row.groupId, row]));
  now.open = now.open.filter(({ groupId, fromRun }) => {
    const row = rows.get(groupId);
    // Not projected yet.
    if (row === undefined || row.runNumber < fromRun) return true;
    if (row.state === 'needs_attention') now.needsAttention.push(groupId);
    else if (isOpen(row.state)) return true;
    else if (row.state === 'completed') now.completed += 1;
    else if (row.state === 'cancelled') now.cancelled += 1;
    else now.failed += 1;
    return false;
  });
}

const newProgress = ({ range, lane, window }: BackfillInput): BackfillProgress => ({
  range,
  lane,
  window,
  state: 'running',
  stateReason: null,
  found: 0,
  skipped: {},
  started: 0,
  joined: 0,
  completed: 0,
  failed: 0,
  cancelled: 0,
  needsAttention: [],
  open: [],
  cursor: null,
});

function inWords(now: BackfillProgress): string {
  const skipped = Object.values(now.skipped).reduce((sum, count) => sum + count, 0);
  const reason = now.stateReason === null ? '' : ` (${now.stateReason})`;
  return `**${now.state}**${reason}\n\n${now.found} groups looked at, ${skipped} skipped, ${now.completed} completed, ${now.open.length} of ${now.window} places taken.`;
}
