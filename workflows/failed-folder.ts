/**
 * Has the failure of a conversion filed on the group's host, for people: only what a conversion step itself decided, and
 * never at the price of the group, which waits for a person whether or not the folder could be written.
 */
import { isCancellation, log, patched, proxyActivities, rootCause } from '@temporalio/workflow';
import type { HostFileActivities } from '../activities/contract.ts';
import { stepIndex } from '../src/domain/step.ts';
import { hostFileOptions } from './activity-options.ts';
import { type GroupMemory, outputOf } from './group-memory.ts';
import type { StepParked } from './run-step.ts';

/** Answers whether the rejected Measurement Set was put aside, so that it must be made again. */
export async function fileFailure(group: GroupMemory, parked: StepParked): Promise<boolean> {
  const { step, failure } = parked;
  const converted = step === 'concat' || (step === 'organize' && group.reopensFrom === null);
  if (!converted || failure.type === 'HostLost' || !patched('failed-folder')) return false;
  const { hostQueue } = outputOf(group, 'claimHost');
  const { groupId, key, policy, runNumber } = group.input;
  const attempts = group.attempts.filter((attempt) => stepIndex(attempt.step) <= stepIndex(step));
  const conversion = group.outputs.concat?.result ?? null;
  const { members, missing } = outputOf(group, 'collect');
  try {
    const { output } = await proxyActivities<HostFileActivities>(hostFileOptions(hostQueue, group.lane, policy)).fileFailure({
      attempt: { groupId, runId: group.runId, runNumber, step, attempt: attempts.filter((attempt) => attempt.step === step).length },
      requestedAt: new Date().toISOString(),
      failure,
      attempts,
      known: {
        key,
        members,
        missingSubbands: missing,
        degradedReasons: [...group.degraded],
        parameters: group.parameters[step],
        conversion,
      },
      rejectedMs: step === 'organize' ? (conversion?.ms ?? null) : null,
    });
    return output.salvaged;
  } catch (caught) {
    if (isCancellation(caught)) throw caught;
    const reason = rootCause(caught) ?? String(caught);
    log.warn('the failure could not be filed', { groupId, reason });
    group.lastRefusal = { verb: 'fileFailure', by: 'contimg', reason };
    return false;
  }
}
