/**
 * Wraps every host activity: sends signs of life while it runs, and turns what it throws into the closed set of failures
 * that the workflow reads. Cancellation passes through untouched.
 */
import { ApplicationFailure, CancelledFailure, Context } from '@temporalio/activity';
import { type FailureType, StepError, type StepFailure } from '../src/domain/failure.ts';
import { systemErrorCode } from '../src/domain/system-error.ts';

const HEARTBEAT_EVERY_MS = 1_000;

export type Progress = (detail: { fraction: number; message: string }) => void;

/** The activity's own work, given its cancellation and a way to report progress. */
export type Supervised<Order, Answer> = (order: Order, watch: { signal: AbortSignal; progress: Progress }) => Promise<Answer>;

export function supervised<Order, Answer>(work: Supervised<Order, Answer>): (order: Order) => Promise<Answer> {
  return async (order) => {
    const context = Context.current();
    let latest: unknown = null;
    const beat = setInterval(() => context.heartbeat(latest), HEARTBEAT_EVERY_MS);
    const progress: Progress = (detail) => {
      latest = detail;
    };
    try {
      return await work(order, { signal: context.cancellationSignal, progress });
    } catch (error) {
      if (context.cancellationSignal.aborted) throw new CancelledFailure('the step was cancelled; its processes have ended');
      throw asApplicationFailure(error);
    } finally {
      clearInterval(beat);
    }
  };
}

export function asApplicationFailure(error: unknown): ApplicationFailure {
  const failure = stepFailureOf(error);
  return ApplicationFailure.create({
    type: failure.type,
    message: failure.message,
    nonRetryable: true, // the group's own loop decides about the next try
    details: [failure],
    ...(error instanceof Error ? { cause: error } : {}),
  });
}

/** What any error of a step means, in the closed set of failures. */
export const stepFailureOf = (error: unknown): StepFailure => (error instanceof StepError ? error.failure : failureOfSystemError(error));

const SYSTEM_ERRORS: Readonly<Record<string, { type: FailureType; remedy: string }>> = {
  ENOSPC: { type: 'NoSpace', remedy: 'free space on the file system it names; the step goes on by itself' },
  EDQUOT: { type: 'NoSpace', remedy: 'raise the quota or free space; the step goes on by itself' },
  ENOENT: { type: 'NotSettled', remedy: 'see whether something else removed this file; resume from an earlier step to make it again' },
  EACCES: { type: 'BadInput', remedy: 'give the worker the right to use this path, then resume' },
  EPERM: { type: 'BadInput', remedy: 'give the worker the right to use this path, then resume' },
  EROFS: { type: 'BadInput', remedy: 'mount the file system for writing, then resume' },
  EIO: { type: 'ToolFailed', remedy: 'look at the disk (dmesg)' },
};

function failureOfSystemError(error: unknown): StepFailure {
  const code = systemErrorCode(error);
  const known = code === null ? undefined : SYSTEM_ERRORS[code];
  return {
    type: known?.type ?? 'Bug',
    code: code ?? (error instanceof Error ? error.name : 'UnknownError'),
    message: error instanceof Error ? error.message : String(error),
    remedy: known?.remedy ?? 'send the log of this attempt to the developers',
    sideEffects: 'scratch',
    capsulePath: null,
  };
}
