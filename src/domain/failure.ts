/**
 * The closed set of ways a step can fail. Every failure carries what happened, what it left behind and what a person can
 * do next; whether it is tried again follows from its type alone.
 */
import { z } from 'zod';

export const FAILURE_TYPES = [
  'BadInput',
  'NotSettled',
  'NoSpace',
  'ToolFailed',
  'ToolKilled',
  'Timeout',
  'QualityRejected',
  'NoCalibration',
  'HostLost',
  'Conflict',
  'Bug',
] as const;
export type FailureType = (typeof FAILURE_TYPES)[number];

/** Trying again cannot help: the same input gives the same answer, or a person or another product is needed first. */
const NEVER_RETRIED = ['BadInput', 'QualityRejected', 'NoCalibration', 'Conflict', 'Bug'] as const satisfies readonly FailureType[];

export const isRetryable = (type: FailureType): boolean => !(NEVER_RETRIED as readonly FailureType[]).includes(type);

export const SIDE_EFFECTS = ['none', 'scratch', 'published'] as const;

export const stepFailureSchema = z.strictObject({
  type: z.enum(FAILURE_TYPES),
  /** The named error, e.g. `Truncated`, `V06`, `ENOSPC`. */
  code: z.string(),
  message: z.string(),
  remedy: z.string(),
  sideEffects: z.enum(SIDE_EFFECTS),
  capsulePath: z.string().nullable(),
});
export type StepFailure = z.infer<typeof stepFailureSchema>;

/** Thrown by effects; the worker turns it into a Temporal ApplicationFailure whose details are the StepFailure. */
export class StepError extends Error {
  override readonly name = 'StepError';
  readonly failure: StepFailure;
  constructor(failure: Omit<StepFailure, 'capsulePath'> & { capsulePath?: string }) {
    super(`${failure.code}: ${failure.message}`);
    this.failure = { ...failure, capsulePath: failure.capsulePath ?? null };
  }
}
