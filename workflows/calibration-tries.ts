/**
 * Which try of solving a group is at: its calibrator and its flagging follow from how many sets were rejected so far, and
 * with them the parameters `flag` runs with. Rejected tries are kept in the group's memory until a person starts anew.
 */
import { patched } from '@temporalio/workflow';
import {
  CALIBRATION_GATE,
  type CalibrationTry,
  calibrationTries,
  describeTry,
  flagParametersOf,
  type RejectedTry,
} from '../src/domain/calibration-try.ts';
import type { StepFailure } from '../src/domain/failure.ts';
import { type StepName, stepIndex } from '../src/domain/step.ts';
import type { StepParameters } from '../src/domain/step-parameters.ts';
import type { GroupMemory } from './group-memory.ts';

/** Null: the group holds no calibrator, or every try was rejected. */
export function currentTry(group: GroupMemory): CalibrationTry | null {
  const { calibrator = null, candidates } = group.outputs.organize?.validation.classification ?? {};
  if (calibrator === null) return null;
  const names = candidates?.map(({ name }) => name) ?? [calibrator];
  return calibrationTries(names)[group.rejectedTries.length] ?? null;
}

/** How the flags came about that a set is solved on now. */
export const flaggingOf = (group: GroupMemory, now: CalibrationTry): RejectedTry['flagging'] =>
  group.outputs.flag === undefined ? 'as published' : now.flagging;

/** What a step is run with: the group's own parameters, for `flag` in the way of the current try. */
export function parametersOf<Step extends StepName>(group: GroupMemory, step: Step): StepParameters[Step] {
  const now = currentTry(group);
  if (step !== 'flag' || now === null) return group.parameters[step];
  const parameters: StepParameters = { ...group.parameters, flag: flagParametersOf(now.flagging, group.parameters.flag) };
  return parameters[step];
}

/** Remembers a set that its gate rejected. Answers whether there is another try, which begins with `flag`. */
export function hasAnotherTry(group: GroupMemory, step: StepName, failure: StepFailure): boolean {
  const now = currentTry(group);
  // Groups that were parked by the first rejected set, before there were other tries, stay parked when they are replayed.
  if (step !== 'solve' || failure.code !== CALIBRATION_GATE || now === null || !patched('calibration-tries')) return false;
  group.rejectedTries.push({ calibrator: now.calibrator, flagging: flaggingOf(group, now), reason: failure.message });
  return currentTry(group) !== null;
}

/** The last rejection as what it is when no try is left: all of them. */
export function withAllReasons(group: GroupMemory, failure: StepFailure): StepFailure {
  if (failure.code !== CALIBRATION_GATE || group.rejectedTries.length < 2) return failure;
  return {
    ...failure,
    message: `none of ${group.rejectedTries.length} tries gave a set that passed its gate. ${group.rejectedTries.map((rejected) => `${describeTry(rejected)}: ${rejected.reason}`).join('. ')}`,
    remedy: 'look at the sets (kept, not used); resume from flag or solve with corrected parameters: all tries begin anew',
  };
}

/** A person who goes back to solving starts the tries anew, and on the flags of the first: those in the set are of the last. */
export function whereTriesBegin(group: GroupMemory, from: StepName): StepName {
  if (group.rejectedTries.length === 0 || stepIndex(from) > stepIndex('solve')) return from;
  group.rejectedTries = [];
  return stepIndex(from) > stepIndex('flag') ? 'flag' : from;
}

/** In words what was tried before the set that passed; null when it was the first. */
export const noteOfTries = (rejected: readonly RejectedTry[], passed: Pick<RejectedTry, 'calibrator' | 'flagging'>): string | null =>
  rejected.length === 0 ? null : `passed with ${describeTry(passed)}, after ${rejected.map(describeTry).join(', ')} had been rejected`;
