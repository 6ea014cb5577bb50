/**
 * Reads what was caught around a step as one of the closed set of failures. Nothing is thrown away: what is not recognised
 * is a Bug that carries the original message.
 */
import { ActivityFailure, ApplicationFailure, ChildWorkflowFailure, TimeoutFailure, rootCause } from '@temporalio/workflow';
import { type StepFailure, stepFailureSchema } from '../src/domain/failure.ts';

/** A failure decided inside the workflow itself (a policy, a missing calibration). */
export class DecidedFailure extends Error {
  override readonly name = 'DecidedFailure';
  readonly failure: StepFailure;
  constructor(failure: Omit<StepFailure, 'capsulePath' | 'sideEffects'>) {
    super(failure.message);
    this.failure = { ...failure, sideEffects: 'none', capsulePath: null };
  }
}

export function failureOf(caught: unknown): StepFailure {
  if (caught instanceof DecidedFailure) return caught.failure;
  const cause = innermost(caught);
  if (cause instanceof ApplicationFailure) {
    const parsed = stepFailureSchema.safeParse(cause.details?.[0]);
    if (parsed.success) return parsed.data;
    if (cause.type === WORKER_STOPPED) return failureOfStop();
  }
  if (cause instanceof TimeoutFailure) return failureOfTimeout(cause);
  return {
    type: 'Bug',
    code: cause instanceof Error ? cause.name : 'UnknownError',
    message: rootCause(caught) ?? String(caught),
    remedy: 'send the capsule of this attempt to the developers',
    sideEffects: 'scratch',
    capsulePath: null,
  };
}

function innermost(caught: unknown): unknown {
  let error = caught;
  while ((error instanceof ActivityFailure || error instanceof ChildWorkflowFailure) && error.cause !== undefined) error = error.cause;
  return error;
}

/** What the SDK calls a step that a stopping worker had to end: nobody's fault, and done again by the next worker. */
const WORKER_STOPPED = 'WorkerShutdown';

const failureOfStop = (): StepFailure => ({
  type: 'HostLost',
  code: 'WorkerStopped',
  message: 'the worker was stopped during this step',
  remedy: 'start the worker of that host again',
  sideEffects: 'scratch',
  capsulePath: null,
});

function failureOfTimeout(timeout: TimeoutFailure): StepFailure {
  const silent = timeout.timeoutType === 'HEARTBEAT' || timeout.timeoutType === 'SCHEDULE_TO_START';
  return {
    type: silent ? 'HostLost' : 'Timeout',
    code: timeout.timeoutType ?? 'TIMEOUT',
    message: silent ? 'the host stopped answering during this step' : 'the step took longer than its time limit',
    remedy: silent ? 'start the worker of that host again' : 'look at the log of this attempt, or raise the time limit',
    sideEffects: 'scratch',
    capsulePath: null,
  };
}
