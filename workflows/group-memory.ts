/**
 * All that a group workflow remembers, as one plain object, and the two views others get of it: the answer to the query
 * `status` and the projection the product database keeps. No Temporal call is made here.
 */
import type { SubbandArrival } from '../src/domain/arrival.ts';
import type { RejectedTry } from '../src/domain/calibration-try.ts';
import type { GroupProjection } from '../src/domain/catalog-command.ts';
import { describeLacking, lackingIn, reasonsOf } from '../src/domain/degradation.ts';
import type { StepFailure } from '../src/domain/failure.ts';
import { workflowIdOfGroup } from '../src/domain/group-id.ts';
import type { DegradedReason, GroupState, Lane, ProcessingStage } from '../src/domain/group-state.ts';
import { chooseMembers } from '../src/domain/membership.ts';
import type { AttemptReport, GroupStatus, ObservationGroupInput } from '../src/domain/observation-group.ts';
import type { ResumePlan } from '../src/domain/operator-request.ts';
import type { RerunRequest } from '../src/domain/rerun.ts';
import { STEPS, type StepName, stepIndex } from '../src/domain/step.ts';
import type { SelfCalResult } from '../src/domain/self-calibration.ts';
import type { Measured, StepOutputs } from '../src/domain/step-output.ts';
import type { StepParameters } from '../src/domain/step-parameters.ts';
import { jdToUnixMs } from '../src/domain/utc.ts';

export interface GroupMemory {
  readonly input: ObservationGroupInput;
  readonly runId: string;
  readonly receivedAt: string;
  state: GroupState;
  processingStage: ProcessingStage;
  step: StepName | null;
  lane: Lane;
  parameters: StepParameters;
  /** Every file announced so far, by path: what `collect` chooses members from. */
  arrivals: Map<string, SubbandArrival>;
  /** Files that came after conversion had begun: candidates for an upgrade. */
  late: SubbandArrival[];
  outputs: Partial<StepOutputs>;
  attempts: AttemptReport[];
  degraded: Set<DegradedReason>;
  /** An operator accepted going on with what is there: fewer subbands than the minimum, a failed image verdict. */
  degradationAcknowledged: boolean;
  /** Calibration sets of this run that their gate rejected: what is tried next follows from them (calibration-tries.ts). */
  rejectedTries: RejectedTry[];
  /** A set of its strip was registered since it last asked for one. */
  calibrationNews: boolean;
  /** How far self-calibration is; null when it is off or the group is not calibrated. */
  selfCalibration: { calibrated: Measured<StepOutputs['calibrate']>; rounds: SelfCalResult[] } | null;
  waitingFor: string | null;
  nextAutomaticAction: string | null;
  failure: StepFailure | null;
  failedStep: StepName | null;
  /** Set by an accepted resume, taken by the loop. */
  resumePlan: ResumePlan | null;
  /** Who resumed it last, so that the second of two operators reads why he was refused. */
  resumedBy: string | null;
  cancelledBy: { by: string; reason: string } | null;
  /** The step from which this run works anew on the published Measurement Set; null: it starts from the raw files. */
  reopensFrom: StepName | null;
  /** Asked for while this run goes on: taken up as the next run. */
  rerun: RerunRequest | null;
  lastRefusal: GroupStatus['lastRefusal'];
  completedAt: string | null;
  revision: number;
}

export function newGroupMemory(input: ObservationGroupInput, runId: string, startedAt: string): GroupMemory {
  const { from = 'collect' } = input.rerun ?? {};
  const reopens = from !== 'collect';
  return {
    input,
    runId,
    receivedAt: startedAt,
    state: reopens ? 'pending' : 'collecting',
    processingStage: reopens ? 'resuming' : 'collecting',
    step: null,
    lane: input.lane,
    parameters: input.parameters,
    arrivals: new Map(input.arrivals.map((file) => [file.path, file])),
    late: [],
    outputs: {},
    attempts: [],
    degraded: new Set(),
    degradationAcknowledged: false,
    rejectedTries: [],
    calibrationNews: false,
    selfCalibration: null,
    waitingFor: null,
    nextAutomaticAction: null,
    failure: null,
    failedStep: null,
    resumePlan: null,
    resumedBy: null,
    cancelledBy: null,
    reopensFrom: reopens ? from : null,
    rerun: null,
    lastRefusal: null,
    completedAt: null,
    revision: 0,
  };
}

/** The output of a step that has run; asking for one that has not is a bug in the line's order. */
export function outputOf<Step extends keyof StepOutputs>(group: GroupMemory, step: Step): StepOutputs[Step] {
  const output = group.outputs[step];
  if (output === undefined) throw new Error(`step ${step} has left no output yet`);
  return output;
}

/** Forgets what `from` and every later step made, so that they run again; of self-calibration only the rounds from `fromRound` on. */
export function forgetFrom(group: GroupMemory, from: StepName, fromRound: number | null = null): void {
  if (fromRound !== null) group.selfCalibration?.rounds.splice(fromRound - 1);
  else if (stepIndex(from) <= stepIndex('calibrate')) group.selfCalibration = null;
  for (const step of STEPS.slice(stepIndex(from))) delete group.outputs[step.name];
  group.degraded.clear();
  for (const reason of degradedBy(group)) group.degraded.add(reason);
}

/** Degradation follows from what the remaining outputs say, so going back to an earlier step can cure it. */
export function degradedBy(group: GroupMemory): DegradedReason[] {
  const { collect, concat, calibrate, image } = group.outputs;
  const reasons = reasonsOf(concat === undefined ? { subbands: collect?.missing ?? [], short: [] } : lackingIn(concat.result));
  if (calibrate?.choice.how === 'provisional') reasons.push('calibration_provisional');
  if (calibrate?.choice.how === 'borrowed') reasons.push('calibration_borrowed');
  if (image !== undefined && image.result.qa.verdict !== 'pass') reasons.push('qa_warning');
  return reasons;
}

/** For products: the reasons, and which subbands and integrations the data lack. */
export function degradationOf(group: GroupMemory): string[] {
  const { concat } = group.outputs;
  return [...group.degraded, ...(concat === undefined ? [] : describeLacking(lackingIn(concat.result)))];
}

export const observedAtMs = (group: GroupMemory): number => jdToUnixMs(group.input.key.t0Jd) - group.input.key.integrationS * 500;

export const pointingDecDeg = (group: GroupMemory): number => (group.input.key.decRad * 180) / Math.PI;

function presentSubbands(group: GroupMemory): number[] {
  const { collect, concat } = group.outputs;
  if (collect === undefined && concat !== undefined) return concat.result.subbandsPresent;
  const members = collect?.members ?? chooseMembers(group.arrivals.values(), group.input.policy.collecting.expected).members;
  return members.map((member) => member.subband);
}

function missingSubbands(group: GroupMemory): number[] {
  const present = new Set(presentSubbands(group));
  return Array.from({ length: group.input.policy.collecting.expected }, (_, subband) => subband).filter((subband) => !present.has(subband));
}

/** Files that come from now on are candidates for an upgrade. */
export const membersAreChosen = (group: GroupMemory): boolean => group.outputs.collect !== undefined || group.reopensFrom !== null;

export function statusOf(group: GroupMemory): GroupStatus {
  const { publishedMs, validation } = group.outputs.organize ?? {};
  return {
    groupId: group.input.groupId,
    state: group.state,
    processingStage: group.processingStage,
    step: group.step,
    lane: group.lane,
    host: group.outputs.claimHost?.host ?? null,
    runNumber: group.input.runNumber,
    present: presentSubbands(group),
    missing: missingSubbands(group),
    late: group.late,
    degradedReasons: [...group.degraded],
    attempts: group.attempts,
    products: [
      ...(publishedMs === undefined
        ? []
        : [{ kind: validation?.classification.kind === 'calibrator' ? 'calibrator ms' : 'ms', path: publishedMs }]),
      ...(group.outputs.image === undefined ? [] : [{ kind: 'image', path: group.outputs.image.directory }]),
    ],
    waitingFor: group.waitingFor,
    nextAutomaticAction: group.nextAutomaticAction,
    failure: group.failure,
    failedStep: group.failedStep,
    lastRefusal: group.lastRefusal,
  };
}

export function projectionOf(group: GroupMemory): GroupProjection {
  return {
    groupId: group.input.groupId,
    workflowId: workflowIdOfGroup(group.input.groupId),
    runId: group.runId,
    runNumber: group.input.runNumber,
    revision: group.revision,
    state: group.state,
    processingStage: group.processingStage,
    step: group.step,
    lane: group.lane,
    host: group.outputs.claimHost?.host ?? null,
    expectedSubbands: group.input.policy.collecting.expected,
    presentSubbands: presentSubbands(group),
    degradedReasons: [...group.degraded],
    waitingFor: group.waitingFor,
    failure: group.failure,
    failedStep: group.failedStep,
    hasCalibrator: group.outputs.organize?.validation.classification.calibrator ?? null,
    key: group.input.key,
    receivedAt: group.receivedAt,
    completedAt: group.completedAt,
  };
}
