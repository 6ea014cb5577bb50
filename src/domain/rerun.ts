/**
 * Running a finished group again from a step, as a new run whose products supersede the old ones. Scratch is gone by then, so
 * a rerun starts where all it needs is a published product; asking for a step in between starts at the one before it.
 */
import { z } from 'zod';
import { reasonSchema } from './operator-request.ts';
import { STEPS, type StepName, stepIndex } from './step.ts';

/** `collect`: from the raw files. The others: from the published Measurement Set. */
const RERUN_STARTS = ['collect', 'flag', 'solve', 'calibrate'] as const satisfies readonly StepName[];
export const rerunStartSchema = z.enum(RERUN_STARTS);
export type RerunStart = z.infer<typeof rerunStartSchema>;

export const rerunRequestSchema = z.strictObject({
  /** Equal for the same request told twice. */
  requestId: z.string().min(1).max(200),
  by: z.string().trim().min(1).max(100),
  reason: reasonSchema,
  from: rerunStartSchema,
});
export type RerunRequest = z.infer<typeof rerunRequestSchema>;

/** Null for `release`, which makes nothing. */
export function rerunStartOf(step: StepName): RerunStart | null {
  if (step === 'release') return null;
  const startable = RERUN_STARTS.filter((start) => stepIndex(start) <= stepIndex(step));
  return startable.at(-1) ?? null;
}

/** Steps a rerun does anew, in order; whether each is switched on is the policy's business. */
export const stepsOfRerun = (from: RerunStart): StepName[] => STEPS.slice(stepIndex(from)).map((step) => step.name);

/** A step whose output a run over the published Measurement Set takes from there, when it works anew from `from` on. */
export const isTakenOver = (step: StepName, from: StepName): boolean =>
  step !== 'claimHost' && step !== 'organize' && stepIndex(step) < stepIndex(from);

/** Code of the failure of `organize` that finds no set to check. */
export const SET_GONE = 'MeasurementSetGone';

/** A parked group goes on from the step that was asked for; a set that is not where it was made any more is made again first. */
export const resumeStep = (asked: StepName, failureCode: string, setWasPutAside: boolean): StepName =>
  asked === 'organize' && (setWasPutAside || failureCode === SET_GONE) ? 'concat' : asked;
