/**
 * `mosaic/<dec>/<hour>` and `mosaic/named/<name>`: waits until the groups of its range are finished or the deadline passes, adds their
 * images up on a host, records what was made. A group that finishes while it works makes it look again; with the members it has
 * already, it makes nothing. `mosaicSweep` starts those that are due.
 */
import {
  ApplicationFailure,
  condition,
  defineSignal,
  isCancellation,
  ParentClosePolicy,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  sleep,
  startChild,
  workflowInfo,
} from '@temporalio/workflow';
import type { ProbeActivities } from '../activities/contract.ts';
import { isRetryable, type StepFailure } from '../src/domain/failure.ts';
import { LANE_PRIORITY } from '../src/domain/group-state.ts';
import {
  MOSAIC_SIGNALS,
  MOSAIC_WORKFLOWS,
  type MosaicInput,
  type MosaicOutcome,
  longestMs,
  type MosaicPlan,
  mosaicInputSchema,
  workflowIdOfMosaic,
} from '../src/domain/mosaic.ts';
import type { MosaicCatalogActivities, MosaicScienceActivities } from '../src/domain/mosaic-record.ts';
import { isoFromUnixMs, mjdToUnixMs } from '../src/domain/utc.ts';
import { catalogOptions, probeOptions, scienceOptions } from './activity-options.ts';
import { failureOf } from './failure-of.ts';

const ALREADY_STARTED = 'WorkflowExecutionAlreadyStartedError';
const DAY_MS = 86_400_000;

export async function mosaic(rawInput: MosaicInput): Promise<MosaicOutcome> {
  const input = mosaicInputSchema.parse(rawInput);
  const news: News = { came: false };
  setHandler(defineSignal<[string]>(MOSAIC_SIGNALS.memberFinished), () => {
    news.came = true;
  });
  for (;;) {
    const outcome = await make(input, await settledPlan(input, news));
    if (!news.came) return outcome;
  }
}

/** Whether a group finished since the last look at the database. */
interface News {
  came: boolean;
}

/** The plan once nothing more is waited for. */
async function settledPlan(input: MosaicInput, news: News): Promise<MosaicPlan> {
  const catalog = proxyActivities<MosaicCatalogActivities>(catalogOptions(input.lane));
  const observedMs = mjdToUnixMs(input.endMjd + input.neighbourDays);
  const waits = input.deadlineMs > 0;
  const deadlineMs = Math.max(Date.now(), observedMs) + input.deadlineMs;
  if (waits && Date.now() < observedMs) {
    setCurrentDetails(`Waits until the hour and its overlap are observed: ${isoFromUnixMs(observedMs)}.`);
    await sleep(Math.min(observedMs - Date.now(), DAY_MS));
  }
  for (;;) {
    news.came = false;
    const plan = await catalog.planMosaic(input);
    if (!waits || plan.open.length === 0 || Date.now() >= deadlineMs) return plan;
    setCurrentDetails(`Waits for ${plan.open.join(', ')}, until ${isoFromUnixMs(deadlineMs)} at most.`);
    await condition(() => news.came, Math.min(input.recheckMs, deadlineMs - Date.now()));
  }
}

async function make(input: MosaicInput, plan: MosaicPlan): Promise<MosaicOutcome> {
  const { leftOut } = plan;
  if (plan.members.length === 0) return { made: false, reason: 'no image of the range can be a member', leftOut };
  if (plan.isMade) return { made: false, reason: 'the mosaic of these members is there', leftOut };
  const { runId } = workflowInfo();
  setCurrentDetails(`Adds ${plan.members.length} images up; ${leftOut.length} groups are left out.`);
  const { output, attempt } = await added(input, plan, runId);
  const { result, directory, contentHash, bytes } = output;
  const { name, kind, tier, decDeg, startMjd, endMjd } = input;
  const { productId } = await proxyActivities<MosaicCatalogActivities>(catalogOptions(input.lane)).recordMosaic({
    name,
    kind,
    tier,
    decDeg,
    startMjd,
    endMjd,
    runId,
    attempt,
    path: directory,
    contentHash,
    bytes,
    parameters: { ...plan.parameters },
    members: plan.members.map(({ groupId, imageProductId }) => ({ groupId, imageProductId })),
    leftOut,
    result,
  });
  const refused = result.leftOut.map(({ id, name: groupId, reason }) => ({ groupId, imageProductId: Number(id), reason }));
  return {
    made: true,
    productId,
    path: directory,
    tiles: result.tiles.length,
    leftOut: [...leftOut, ...refused],
    verdict: result.qa.verdict,
  };
}

/** Tried again as the step of a group would be; waits for room as long as it takes. */
async function added(input: MosaicInput, plan: MosaicPlan, runId: string) {
  const { timing } = input.policy;
  const requestedAt = new Date().toISOString();
  const date = isoFromUnixMs(mjdToUnixMs(input.startMjd)).slice(0, 10);
  for (let attempt = 1, failures = 0; ; attempt += 1) {
    try {
      const { scienceQueue } = await proxyActivities<ProbeActivities>(probeOptions(input.lane)).claimHost();
      const startToCloseTimeout = Math.max(timing.inProgressTimeoutMs, longestMs(plan.members.length));
      const options = { ...scienceOptions(scienceQueue, input.lane, input.policy), startToCloseTimeout };
      const science = proxyActivities<MosaicScienceActivities>(options);
      const name = { groupId: input.name, runId, step: 'mosaic', attempt } as const;
      const { output } = await science.mosaic({ attempt: name, requestedAt, date, plan });
      return { output, attempt };
    } catch (caught) {
      if (isCancellation(caught)) throw caught;
      const failure = failureOf(caught);
      setCurrentDetails(`${failure.code}: ${failure.message}; ${failure.remedy}`);
      if (failure.type !== 'NoSpace') failures += 1;
      if (!isRetryable(failure.type) || failures > timing.maxRetries) throw given(failure);
      await sleep(failure.type === 'NoSpace' ? timing.spaceRecheckMs : timing.firstRetryDelayMs);
    }
  }
}

const given = (failure: StepFailure): ApplicationFailure =>
  ApplicationFailure.create({ type: failure.type, message: `${failure.code}: ${failure.message}`, nonRetryable: true, details: [failure] });

/** Answers the names of those that it started; one that runs already looks for itself. */
export async function mosaicSweep(): Promise<string[]> {
  const due = await proxyActivities<MosaicCatalogActivities>(catalogOptions('live')).mosaicsDue();
  const started: string[] = [];
  for (const input of due) {
    try {
      await startChild<typeof mosaic>(MOSAIC_WORKFLOWS.mosaic, {
        workflowId: workflowIdOfMosaic(input),
        args: [input],
        parentClosePolicy: ParentClosePolicy.ABANDON,
        workflowIdReusePolicy: 'ALLOW_DUPLICATE',
        priority: { priorityKey: LANE_PRIORITY[input.lane] },
      });
      started.push(input.name);
    } catch (error) {
      if (!(error instanceof Error && error.name === ALREADY_STARTED)) throw error;
    }
  }
  return started;
}
