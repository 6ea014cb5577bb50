/**
 * Step `collect`: waits until the expected subbands are here or the deadline says to decide. Members come from signals and,
 * at intervals, from the database, so that a lost signal costs one interval and never a group.
 */
import { condition, workflowInfo } from '@temporalio/workflow';
import type { SubbandArrival } from '../src/domain/arrival.ts';
import type { StepFailure } from '../src/domain/failure.ts';
import { subbandLabel } from '../src/domain/subband.ts';
import { arrivalsAfterReading, chooseMembers } from '../src/domain/membership.ts';
import type { GroupPolicy } from '../src/domain/policy.ts';
import type { StepOutputs } from '../src/domain/step-output.ts';
import { DecidedFailure } from './failure-of.ts';
import type { GroupMemory } from './group-memory.ts';
import type { Journal } from './journal.ts';

/** A group whose deadline lies in the past at its first file still gives the other files this long to be seen. */
const BACKFILL_GRACE_MS = 15_000;
const SUBBANDS_MISSING = 'SubbandsMissing';

export async function collect(group: GroupMemory, journal: Journal): Promise<StepOutputs['collect']> {
  const { expected, warnAfterMs, deadlineMs, minimum, onDeadline, recheckMs } = group.input.policy.collecting;
  const startedMs = Date.now();
  for (;;) {
    const before = new Map(group.arrivals);
    const known = await journal.catalog.membersOf(group.input.groupId);
    // A file that was replaced, removed or found bad since it was announced is no longer among them.
    if (known.length > 0) group.arrivals = arrivalsAfterReading(known, before, group.arrivals);
    const { members, missing } = chooseMembers(group.arrivals.values(), expected);
    if (missing.length === 0) return { members, missing };

    const firstMs = Math.min(startedMs, ...members.map((member) => member.mtimeMs));
    const decideAtMs = Math.max(firstMs + deadlineMs, startedMs + Math.min(deadlineMs, BACKFILL_GRACE_MS));
    if (group.degradationAcknowledged && members.length > 0) return { members, missing };
    if (Date.now() >= decideAtMs) {
      if (members.length >= minimum && onDeadline === 'convert-degraded') return { members, missing };
      throw subbandsMissing(members, missing, group.input.policy.collecting);
    }
    const late = Date.now() - firstMs > warnAfterMs ? ' (longer than usual)' : '';
    group.waitingFor = `${missing.map(subbandLabel).join(', ')}${late}`;
    group.nextAutomaticAction = `decides by policy ${onDeadline} at ${new Date(decideAtMs).toISOString()}`;
    journal.changed();
    const seen = group.arrivals.size;
    await condition(() => group.arrivals.size > seen && missingNow(group) === 0, Math.max(1, Math.min(recheckMs, decideAtMs - Date.now())));
  }
}

/** What the policy `fail` gives up: enough subbands to decide about, and not all. Fewer than the minimum is a person's decision. */
export const isGivenUp = (group: GroupMemory, failure: StepFailure): boolean => {
  const { onDeadline, expected, minimum } = group.input.policy.collecting;
  const enough = expected - missingNow(group) >= minimum;
  return failure.code === SUBBANDS_MISSING && onDeadline === 'fail' && enough;
};

/** True when a group parked in `collect` has since become complete: it goes on by itself. */
export const becameComplete = (group: GroupMemory): boolean => group.failedStep === 'collect' && missingNow(group) === 0;

const missingNow = (group: GroupMemory): number =>
  chooseMembers(group.arrivals.values(), group.input.policy.collecting.expected).missing.length;

function subbandsMissing(members: SubbandArrival[], missing: number[], policy: GroupPolicy['collecting']): DecidedFailure {
  const { expected, minimum, onDeadline } = policy;
  const why = members.length < minimum ? `at least ${minimum} are asked for` : `the policy is ${onDeadline}`;
  return new DecidedFailure({
    type: 'BadInput',
    code: SUBBANDS_MISSING,
    message: `${members.length} of ${expected} subbands at the deadline, ${why}; missing ${missing.map(subbandLabel).join(', ')}`,
    remedy: `copy the missing files into the input directory, or: contimg group resume ${workflowInfo().workflowId.slice('group/'.length)} --acknowledge-degraded --reason '…'`,
  });
}
