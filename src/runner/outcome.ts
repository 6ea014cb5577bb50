/**
 * How a subprocess that has ended is judged. A result counts only with exit code 0; everything else is a failure of the
 * closed set, with the words a person needs.
 */
import type { StepFailure } from '../domain/failure.ts';
import type { ProcessEnd } from './process-group.ts';
import type { ScienceEvent } from './science-event.ts';

type Failure = Omit<StepFailure, 'capsulePath'>;

export interface Observed {
  step: string;
  end: ProcessEnd;
  result: Extract<ScienceEvent, { event: 'result' }> | null;
  failure: Extract<ScienceEvent, { event: 'failure' }> | null;
  /** Lines that looked like events and could not be read, and lines over the limit. */
  unreadableLines: number;
  timedOutAfterMs: number | null;
  lastLogLine: string | null;
}

export type Outcome = { ok: true; result: unknown } | { ok: false; failure: Failure };

export function judgeEnd(seen: Observed): Outcome {
  const { end, step } = seen;
  if (seen.timedOutAfterMs !== null) {
    return failed({
      type: 'Timeout',
      code: 'TimeLimit',
      message: `${step} was ended after its limit of ${Math.round(seen.timedOutAfterMs / 1000)} s`,
      remedy: 'look at the log for where it hung; raise attempt.timeout_floor_s if it was only slow',
    });
  }
  if (seen.failure !== null) {
    const { type, code, message, remedy, sideEffects } = seen.failure;
    return { ok: false, failure: { type, code, message, remedy, sideEffects } };
  }
  if (end.exitSignal !== null) {
    return failed({
      type: 'ToolKilled',
      code: end.exitSignal,
      message: `${step} was killed by ${end.exitSignal}${said(seen)}`,
      remedy: killedRemedy(end.exitSignal),
    });
  }
  if (end.exitCode !== 0) {
    const afterwards = seen.result === null ? '' : ' after it had reported a result, which is not used';
    return failed({
      type: 'ToolFailed',
      code: `Exit${end.exitCode}`,
      message: `${step} ended with exit code ${end.exitCode}${afterwards}${said(seen)}`,
      remedy: 'read the end of the log in the capsule',
    });
  }
  if (seen.result !== null) return { ok: true, result: seen.result.result };
  return failed({
    type: 'ToolFailed',
    code: seen.unreadableLines > 0 ? 'UnreadableOutput' : 'NoResult',
    message:
      seen.unreadableLines > 0
        ? `${step} ended without a result; ${seen.unreadableLines} lines of its output could not be read`
        : `${step} ended with exit code 0 and reported no result${said(seen)}`,
    remedy: 'read the end of the log in the capsule',
  });
}

const failed = (failure: Omit<Failure, 'sideEffects'>): Outcome => ({ ok: false, failure: { ...failure, sideEffects: 'scratch' } });

const said = (seen: Observed): string => (seen.lastLogLine === null ? '' : `; last line: ${seen.lastLogLine.slice(0, 300)}`);

const killedRemedy = (signal: NodeJS.Signals): string =>
  signal === 'SIGKILL'
    ? 'nothing here sent it: most likely the machine ran out of memory; give it fewer slots or threads'
    : 'read the end of the log in the capsule: the tool crashed';
