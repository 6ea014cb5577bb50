/**
 * The durable life of one observation group: walk the line of steps; when a step fails for good, park and wait for a
 * person, a late file or a calibration set; end with a ledger row that says what became of the group.
 * Temporal's history is the only checkpoint: this file keeps nothing anywhere else.
 */
import { allHandlersFinished, CancellationScope, condition, continueAsNew, isCancellation, workflowInfo } from '@temporalio/workflow';
import type { SubbandArrival } from '../src/domain/arrival.ts';
import { fillsGap, lackingIn } from '../src/domain/degradation.ts';
import { type GroupStatus, type ObservationGroupInput, observationGroupInputSchema } from '../src/domain/observation-group.ts';
import { isTakenOver, resumeStep } from '../src/domain/rerun.ts';
import { STEPS, type StepName, stepIndex } from '../src/domain/step.ts';
import { subbandLabel } from '../src/domain/subband.ts';
import { becameComplete, isGivenUp } from './collecting.ts';
import { hasAnotherTry, whereTriesBegin, withAllReasons } from './calibration-tries.ts';
import { fileFailure } from './failed-folder.ts';
import { forgetFrom, type GroupMemory, newGroupMemory, statusOf } from './group-memory.ts';
import { installHandlers } from './handlers.ts';
import { Journal } from './journal.ts';
import { HostChanged, releaseAfterCancel, runStep, StepParked } from './run-step.ts';
import { tellMosaic } from './tell-mosaic.ts';

export async function observationGroup(rawInput: ObservationGroupInput): Promise<GroupStatus> {
  const input = observationGroupInputSchema.parse(rawInput);
  const info = workflowInfo();
  const group = newGroupMemory(input, info.runId, info.startTime.toISOString());
  const journal = new Journal(group);
  const line = new CancellationScope();
  installHandlers(group, journal, () => line.cancel());

  // The ledger has a row of the group once its first projection is written.
  journal.changed();
  journal.ledger({ groupId: input.groupId, outcome: 'pending', reason: input.runReason ?? 'collecting' });
  try {
    await line.run(() => walk(group, journal));
  } catch (caught) {
    if (!isCancellation(caught)) throw caught;
    await CancellationScope.nonCancellable(() => closeAsCancelled(group, journal));
  }
  journal.changed();
  await CancellationScope.nonCancellable(() => journal.drain());
  await CancellationScope.nonCancellable(() => tellMosaic(group));
  await condition(allHandlersFinished);
  const next = nextRun(group);
  if (next !== null) return continueAsNew<typeof observationGroup>(next);
  return statusOf(group);
}

async function walk(group: GroupMemory, journal: Journal): Promise<void> {
  let cursor = 0;
  if (group.input.runNumber > 1) group.processingStage = 'resuming';
  while (cursor < STEPS.length) {
    const step = STEPS[cursor];
    if (step === undefined) break;
    if (step.name === 'claimHost') group.state = 'pending';
    if (step.name === 'stageToScratch') {
      group.state = 'in_progress';
      if (group.processingStage === 'collecting') group.processingStage = 'processing_fresh';
    }
    if (group.reopensFrom !== null && isTakenOver(step.name, group.reopensFrom)) {
      cursor += 1;
      continue;
    }
    try {
      await runStep(group, journal, step.name);
      cursor += 1;
    } catch (caught) {
      if (caught instanceof HostChanged) {
        forgetFrom(group, 'stageToScratch');
        cursor = stepIndex('stageToScratch');
        continue;
      }
      if (!(caught instanceof StepParked)) throw caught;
      if (hasAnotherTry(group, caught.step, caught.failure)) {
        const from = whereToGoOn(group, 'flag');
        forgetFrom(group, from);
        cursor = stepIndex(from);
        continue;
      }
      if (isGivenUp(group, caught.failure)) return closeAsFailed(group, journal, caught);
      cursor = await parkUntilResumed(group, journal, new StepParked(caught.step, withAllReasons(group, caught.failure)));
    }
  }
  closeAsCompleted(group, journal);
}

/** Answers where to go on. Waits without limit; Temporal keeps the place. */
async function parkUntilResumed(group: GroupMemory, journal: Journal, parked: StepParked): Promise<number> {
  group.state = 'needs_attention';
  group.failure = parked.failure;
  group.failedStep = parked.step;
  group.resumePlan = null;
  group.waitingFor = 'a person: resume or cancel';
  group.nextAutomaticAction = automaticActionFor(parked);
  journal.changed();
  const putAside = await fileFailure(group, parked);
  await condition(
    () => group.resumePlan !== null || becameComplete(group) || (parked.failure.type === 'NoCalibration' && group.calibrationNews),
  );
  const plan = takePlan(group);
  const asked = whereToGoOn(group, whereTriesBegin(group, plan?.from ?? parked.step));
  const from = resumeStep(asked, parked.failure.code, putAside);
  if (plan !== null) {
    group.parameters = { ...group.parameters, [plan.from]: plan.parameters };
    group.degradationAcknowledged ||= plan.acknowledgeDegraded;
  }
  forgetFrom(group, from, plan?.fromRound ?? null);
  group.failure = null;
  group.failedStep = null;
  group.waitingFor = null;
  group.nextAutomaticAction = null;
  group.processingStage = stepIndex(from) === 0 ? 'collecting' : 'resuming';
  group.state = stepIndex(from) === 0 ? 'collecting' : 'in_progress';
  journal.changed();
  return stepIndex(from);
}

function takePlan(group: GroupMemory): GroupMemory['resumePlan'] {
  const plan = group.resumePlan;
  group.resumePlan = null;
  return plan;
}

function automaticActionFor(parked: StepParked): string | null {
  if (parked.step === 'collect') return 'goes on when the missing subbands arrive';
  if (parked.failure.type === 'NoCalibration') return 'goes on when a calibration set of this strip is registered';
  return null;
}

const closingReason = (group: GroupMemory): string =>
  group.degraded.size === 0 ? 'all enabled steps done' : [...group.degraded].join(', ');

function closeAsCompleted(group: GroupMemory, journal: Journal): void {
  group.state = 'completed';
  group.step = null;
  group.completedAt = new Date().toISOString();
  const outcome = group.degraded.size === 0 ? 'done' : 'degraded';
  journal.ledger({ groupId: group.input.groupId, outcome, reason: closingReason(group) });
}

function closeAsFailed(group: GroupMemory, journal: Journal, parked: StepParked): void {
  group.state = 'failed';
  group.failure = parked.failure;
  group.failedStep = parked.step;
  journal.ledger({ groupId: group.input.groupId, outcome: 'skipped', reason: parked.failure.message });
}

async function closeAsCancelled(group: GroupMemory, journal: Journal): Promise<void> {
  const leftBehind = await releaseAfterCancel(group, journal);
  const { by, reason } = group.cancelledBy ?? { by: 'temporal', reason: 'the workflow was cancelled from Temporal' };
  group.state = 'cancelled';
  group.step = null;
  group.waitingFor = null;
  group.nextAutomaticAction = null;
  journal.ledger({
    groupId: group.input.groupId,
    outcome: 'skipped',
    reason: `cancelled by ${by}: ${reason}${leftBehind}`,
  });
}

/** In a rerun a person may go back further than it was asked to: to the raw files, which means all of the line. */
function whereToGoOn(group: GroupMemory, from: StepName): StepName {
  if (group.reopensFrom === null || stepIndex(from) >= stepIndex(group.reopensFrom)) return from;
  if (isTakenOver(from, 'organize')) {
    group.reopensFrom = null;
    return 'collect';
  }
  if (stepIndex(from) > stepIndex('organize')) group.reopensFrom = from;
  return from;
}

/** The next run of this group, or null: a late subband first, which does all that a rerun could ask for. */
function nextRun(group: GroupMemory): ObservationGroupInput | null {
  const { rerun: _, ...input } = group.input;
  const arrivals = [...group.arrivals.values(), ...group.late];
  const next: ObservationGroupInput = { ...input, lane: 'reprocess', runNumber: input.runNumber + 1, arrivals };
  const late = filesForUpgrade(group);
  if (late.length > 0) {
    const labels = late.map((file) => subbandLabel(file.subband)).join(', ');
    return { ...next, runReason: `upgrade: ${labels} arrived after conversion` };
  }
  const asked = group.rerun;
  if (asked === null || group.state !== 'completed') return null;
  return { ...next, runReason: asked.reason, rerun: { from: asked.from, requestId: asked.requestId } };
}

/** Files that came too late to be members and bring what the products lack. */
function filesForUpgrade(group: GroupMemory): SubbandArrival[] {
  if (group.state !== 'completed' || group.input.policy.upgrade !== 'automatic') return [];
  const { concat } = group.outputs;
  if (concat === undefined) return [];
  const lacking = lackingIn(concat.result);
  return group.late.filter((file) => fillsGap(lacking, file, concat.result.times));
}
