/**
 * How the world talks to a group: signals, updates and the query. A request of an operator is judged before it is accepted;
 * as an update it is refused with the reason, as a signal the reason is kept in the status.
 */
import { ApplicationFailure, condition, defineQuery, defineSignal, defineUpdate, setHandler } from '@temporalio/workflow';
import { type SubbandArrival, subbandArrivalSchema } from '../src/domain/arrival.ts';
import { isOpen } from '../src/domain/group-state.ts';
import { GROUP_QUERIES, GROUP_SIGNALS, GROUP_UPDATES, type GroupStatus } from '../src/domain/observation-group.ts';
import {
  type CancelRequest,
  cancelRequestSchema,
  firstIssue,
  type Judgement,
  judgeResume,
  type ResumePlan,
  type ResumeRequest,
  type SetLaneRequest,
  setLaneRequestSchema,
} from '../src/domain/operator-request.ts';
import { type RerunRequest, rerunRequestSchema } from '../src/domain/rerun.ts';
import { stepIndex } from '../src/domain/step.ts';
import { type GroupMemory, membersAreChosen, pointingDecDeg, statusOf } from './group-memory.ts';
import type { Journal } from './journal.ts';

const subbandArrived = defineSignal<SubbandArrival[]>(GROUP_SIGNALS.subbandArrived);
const calibrationAvailable = defineSignal<[{ productId: number; decDeg: number }]>(GROUP_SIGNALS.calibrationAvailable);
const rerunSignal = defineSignal<[RerunRequest]>(GROUP_SIGNALS.rerun);
const resumeSignal = defineSignal<[ResumeRequest]>(GROUP_SIGNALS.resume);
const resumeUpdate = defineUpdate<GroupStatus, [ResumeRequest]>(GROUP_UPDATES.resume);
const cancelUpdate = defineUpdate<GroupStatus, [CancelRequest]>(GROUP_UPDATES.cancel);
const setLaneUpdate = defineUpdate<GroupStatus, [SetLaneRequest]>(GROUP_UPDATES.setLane);
const statusQuery = defineQuery<GroupStatus>(GROUP_QUERIES.status);

export function installHandlers(group: GroupMemory, journal: Journal, cancelLine: () => void): void {
  const judge = (raw: unknown): Judgement<ResumePlan> =>
    judgeResume(raw, {
      // An accepted plan that the loop has not taken yet counts as resumed: the second operator is refused.
      state: group.resumePlan === null ? group.state : 'in_progress',
      failedStep: group.failedStep,
      parameters: group.parameters,
      acceptedFrom: group.resumedBy,
      roundsDone: group.selfCalibration?.rounds.length ?? null,
    });
  const accept = (plan: ResumePlan, via: string): void => {
    group.resumePlan = plan;
    group.resumedBy = plan.by;
    group.lastRefusal = null;
    audit(group, journal, 'resume', plan, via, { from: plan.from, parameters: plan.parameters });
  };

  setHandler(statusQuery, () => statusOf(group));
  setHandler(subbandArrived, (...files) => {
    // An announcement of nothing is told from silence: it is refused as a file that is none.
    for (const raw of files.length === 0 ? [undefined] : files) receive(group, journal, raw);
  });
  setHandler(calibrationAvailable, (set) => {
    group.calibrationNews ||= isOfItsStrip(group, set);
  });

  setHandler(rerunSignal, (raw) => noteRerun(group, journal, raw));

  setHandler(resumeSignal, (raw) => {
    const judgement = judge(raw);
    if (judgement.accepted) return accept(judgement.value, 'signal');
    group.lastRefusal = { verb: 'resume', by: requesterOf(raw), reason: judgement.reason };
    journal.changed();
  });
  setHandler(
    resumeUpdate,
    async (raw) => {
      const judgement = judge(raw);
      if (!judgement.accepted) throw refused(judgement.code, judgement.reason);
      accept(judgement.value, 'update');
      await condition(() => group.resumePlan === null);
      return statusOf(group);
    },
    {
      validator: (raw) => {
        const judgement = judge(raw);
        if (!judgement.accepted) throw refused(judgement.code, judgement.reason);
      },
    },
  );

  setHandler(
    cancelUpdate,
    async (request) => {
      group.cancelledBy = { by: request.by, reason: request.reason };
      audit(group, journal, 'cancel', request, 'update', {});
      cancelLine();
      await condition(() => !isOpen(group.state));
      return statusOf(group);
    },
    {
      validator: (raw) => {
        const parsed = cancelRequestSchema.safeParse(raw);
        if (!parsed.success) throw refused('invalid_request', firstIssue(parsed.error));
        if (!isOpen(group.state)) throw refused('already_completed', `the group is ${group.state}`);
        if (group.cancelledBy !== null) throw refused('not_waiting', `${group.cancelledBy.by} is cancelling it already`);
      },
    },
  );

  setHandler(
    setLaneUpdate,
    (request) => {
      audit(group, journal, 'lane', request, 'update', { before: group.lane, after: request.lane });
      group.lane = request.lane;
      journal.changed();
      return statusOf(group);
    },
    {
      validator: (raw) => {
        const parsed = setLaneRequestSchema.safeParse(raw);
        if (!parsed.success) throw refused('invalid_request', firstIssue(parsed.error));
      },
    },
  );
}

/** News that cannot be read costs one more look at the sets there are. */
function isOfItsStrip(group: GroupMemory, set: unknown): boolean {
  const decDeg = typeof set === 'object' && set !== null && 'decDeg' in set ? Number(set.decDeg) : Number.NaN;
  return !(Math.abs(decDeg - pointingDecDeg(group)) > group.input.policy.calibration.stripToleranceDeg);
}

/** A file already known changes nothing; one that comes after the members were chosen is kept for an upgrade. */
function receive(group: GroupMemory, journal: Journal, raw: unknown): void {
  const parsed = subbandArrivalSchema.safeParse(raw);
  if (!parsed.success) {
    group.lastRefusal = { verb: 'subbandArrived', by: 'unknown', reason: firstIssue(parsed.error) };
    journal.changed();
    return;
  }
  const arrival = parsed.data;
  const known = [...group.arrivals.values(), ...group.late].some(
    (file) => file.subband === arrival.subband && file.headerDigest === arrival.headerDigest && file.bytes === arrival.bytes,
  );
  if (known) return;
  if (membersAreChosen(group)) group.late.push(arrival);
  else group.arrivals.set(arrival.path, arrival);
  journal.changed();
}

/** Kept until this run has ended. One that asks for steps which are still to come asks for nothing. */
function noteRerun(group: GroupMemory, journal: Journal, raw: unknown): void {
  const parsed = rerunRequestSchema.safeParse(raw);
  if (!parsed.success) {
    group.lastRefusal = { verb: 'rerun', by: requesterOf(raw), reason: firstIssue(parsed.error) };
    journal.changed();
    return;
  }
  const request = parsed.data;
  if ([group.input.rerun?.requestId, group.rerun?.requestId].includes(request.requestId)) return;
  if (group.step !== null && stepIndex(group.step) < stepIndex(request.from)) return;
  if (group.rerun !== null && stepIndex(group.rerun.from) <= stepIndex(request.from)) return;
  group.rerun = request;
  audit(group, journal, 'rerun', request, 'signal', { from: request.from });
  journal.changed();
}

function audit(
  group: GroupMemory,
  journal: Journal,
  verb: string,
  request: { by: string; reason: string },
  via: string,
  detail: Record<string, unknown>,
): void {
  journal.audit({
    actor: request.by,
    via,
    verb,
    target: group.input.groupId,
    reason: request.reason,
    detail,
    requestId: `${group.runId}/${verb}/${group.revision}`,
  });
}

const refused = (code: string, reason: string): ApplicationFailure =>
  ApplicationFailure.create({ type: code, message: reason, nonRetryable: true });

/** A signal may carry anything: whatever can be read of who sent it. */
function requesterOf(raw: unknown): string {
  const by = typeof raw === 'object' && raw !== null && 'by' in raw ? raw.by : null;
  return typeof by === 'string' ? by : 'unknown';
}
