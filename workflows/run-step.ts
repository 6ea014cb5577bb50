/**
 * Runs one step of the line until it is done, left out, or has failed for good: attempts, retry delays, what is recorded
 * of each. A failure that cannot be cured by trying again, or that used up its budget, is thrown as StepParked.
 */
import { CancellationScope, isCancellation, sleep } from '@temporalio/workflow';
import { type StepFailure, isRetryable } from '../src/domain/failure.ts';
import type { AttemptReport } from '../src/domain/observation-group.ts';
import { parametersDigest } from '../src/domain/parameters-digest.ts';
import { stepIndex, type StepName } from '../src/domain/step.ts';
import type { AttemptName, Measured, StepOutputs } from '../src/domain/step-output.ts';
import { attemptBudget } from './activity-options.ts';
import { parametersOf } from './calibration-tries.ts';
import { failureOf } from './failure-of.ts';
import { type GroupMemory, degradedBy } from './group-memory.ts';
import type { Journal } from './journal.ts';
import { LINE } from './line.ts';

/** Space comes back by itself; waiting for it costs no attempt. A long wait looks this many times less often than a short one. */
const LONGEST_SPACE_WAIT = 10;

export class StepParked extends Error {
  override readonly name = 'StepParked';
  readonly step: StepName;
  readonly failure: StepFailure;
  constructor(step: StepName, failure: StepFailure) {
    super(failure.message);
    this.step = step;
    this.failure = failure;
  }
}

/** The group goes on at another host: everything made of its files is made again there. */
export class HostChanged extends Error {
  override readonly name = 'HostChanged';
}

export async function runStep(group: GroupMemory, journal: Journal, step: StepName): Promise<void> {
  const leftOut = afterLast(group, step) ?? LINE[step].leftOut?.(group) ?? null;
  if (leftOut !== null) {
    const report = begin(group, step);
    end(group, journal, report, 'skipped', { note: leftOut });
    return;
  }
  const budget = attemptBudget(step, group.input.policy);
  let spent = 0;
  let spaceWaits = 0;
  let report = begin(group, step);
  for (;;) {
    journal.changed();
    try {
      const measured = await runRow(group, journal, step, report);
      end(group, journal, report, 'done', { note: measured.note, measured });
      return;
    } catch (caught) {
      if (isCancellation(caught)) {
        end(group, journal, report, 'cancelled', { note: 'cancelled' });
        throw caught;
      }
      const failure = failureOf(caught);
      if (failure.type === 'NoSpace') {
        spaceWaits = Math.min(LONGEST_SPACE_WAIT, spaceWaits + 1);
        report = await waitForSpace(group, journal, report, failure, spaceWaits * group.input.policy.timing.spaceRecheckMs);
        continue;
      }
      end(group, journal, report, 'failed', { note: failure.message, failure });
      spent += 1;
      if (!isRetryable(failure.type) || spent >= budget) throw new StepParked(step, failure);
      // Nothing of the group is on another host, so there is nothing to release there and no work to repeat.
      if (failure.type === 'HostLost' && (await claimAgain(group, journal)) && step !== 'release') throw new HostChanged();
      await pause(
        group,
        journal,
        group.input.policy.timing.firstRetryDelayMs * 2 ** (spent - 1),
        `try ${spent + 1} of ${budget} of ${step}`,
      );
      report = begin(group, step);
    }
  }
}

/** Why a step is left out that the run was not asked for. */
function afterLast(group: GroupMemory, step: StepName): string | null {
  const { last } = group.input.policy.steps;
  const isNeeded = step === 'release' || stepIndex(step) <= stepIndex(last);
  const hasReaders = step !== 'moveToTmpfs' || stepIndex(last) > stepIndex('organize');
  return isNeeded && hasReaders ? null : `this run ends with ${last}`;
}

async function runRow<Step extends StepName>(
  group: GroupMemory,
  journal: Journal,
  step: Step,
  report: AttemptReport,
): Promise<Measured<StepOutputs[Step]>> {
  const name: AttemptName = {
    groupId: group.input.groupId,
    runId: group.runId,
    runNumber: group.input.runNumber,
    step,
    attempt: report.attempt,
  };
  const measured = await LINE[step].run(group, journal, name);
  group.outputs[step] = measured.output;
  for (const reason of degradedBy(group)) group.degraded.add(reason);
  return measured;
}

/** A worker that came back is the same host and goes on. Answers true for another host, which has none of the bytes. */
async function claimAgain(group: GroupMemory, journal: Journal): Promise<boolean> {
  const before = group.outputs.claimHost?.host;
  const report = begin(group, 'claimHost');
  const measured = await runRow(group, journal, 'claimHost', report);
  const changed = before !== undefined && before !== measured.output.host;
  end(group, journal, report, 'done', { note: changed ? `host ${before} is lost` : 'the host is back' });
  return changed;
}

/**
 * A step refused before it began is the same attempt while it waits, however long: a full disk fills neither the history nor
 * the table of attempts. One that ran out of space on the way has ended.
 */
async function waitForSpace(
  group: GroupMemory,
  journal: Journal,
  report: AttemptReport,
  failure: StepFailure,
  delayMs: number,
): Promise<AttemptReport> {
  const neverBegan = failure.sideEffects === 'none';
  if (!neverBegan) end(group, journal, report, 'failed', { note: failure.message, failure });
  try {
    await pause(group, journal, delayMs, `space: ${failure.message}`);
  } catch (caught) {
    if (neverBegan) end(group, journal, report, 'cancelled', { note: 'cancelled while it waited for space' });
    throw caught;
  }
  return neverBegan ? report : begin(group, report.step);
}

async function pause(group: GroupMemory, journal: Journal, delayMs: number, waitingFor: string): Promise<void> {
  group.waitingFor = waitingFor;
  group.nextAutomaticAction = `goes on at ${new Date(Date.now() + delayMs).toISOString()}`;
  journal.changed();
  await sleep(Math.max(1, delayMs));
}

function begin(group: GroupMemory, step: StepName): AttemptReport {
  const attempt = 1 + group.attempts.filter((earlier) => earlier.step === step).length;
  const report: AttemptReport = { step, attempt, startedAt: new Date().toISOString(), endedAt: null, outcome: 'running', note: null };
  group.attempts.push(report);
  group.step = step;
  group.waitingFor = null;
  group.nextAutomaticAction = null;
  return report;
}

function end(
  group: GroupMemory,
  journal: Journal,
  report: AttemptReport,
  outcome: 'done' | 'skipped' | 'failed' | 'cancelled',
  detail: { note: string | null; failure?: StepFailure; measured?: Omit<Measured<unknown>, 'output'> },
): void {
  report.outcome = outcome;
  report.note = detail.note;
  report.endedAt = new Date().toISOString();
  group.waitingFor = null;
  journal.attempt({
    groupId: group.input.groupId,
    runId: group.runId,
    step: report.step,
    attempt: report.attempt,
    host: group.outputs.claimHost?.host ?? null,
    startedAt: report.startedAt,
    endedAt: report.endedAt,
    outcome,
    note: detail.note,
    failure: detail.failure ?? null,
    parametersDigest: parametersDigest(parametersOf(group, report.step)),
    resources: detail.measured?.resources ?? null,
    bytesRead: detail.measured?.bytesRead ?? null,
    bytesWritten: detail.measured?.bytesWritten ?? null,
    timingsS: detail.measured?.timingsS ?? null,
  });
}

/** Scratch of a group that ends without a product is given back. One that cannot be ends all the same: answers what stays behind. */
export async function releaseAfterCancel(group: GroupMemory, journal: Journal): Promise<string> {
  if (group.outputs.claimHost === undefined) return '';
  try {
    await CancellationScope.nonCancellable(() => runStep(group, journal, 'release'));
    return '';
  } catch (caught) {
    if (!(caught instanceof StepParked)) throw caught;
    return `; its scratch is still there: ${caught.failure.message}`;
  }
}
