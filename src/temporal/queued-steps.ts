/**
 * Steps that stand in a queue and have not begun, put where another lane says. A step that runs is left alone: it goes on, and the
 * next one has the new lane. Temporal takes about a second to change the order.
 */
import type { Client } from '@temporalio/client';
import { type GroupId, workflowIdOfGroup } from '../domain/group-id.ts';
import { type Lane, LANE_PRIORITY } from '../domain/group-state.ts';
import { GRPC, grpcStatusOf } from './grpc-status.ts';

/** temporal.api.enums.v1.PendingActivityState. */
const SCHEDULED = 1;
/** The step has ended, or its workflow has, since it was seen waiting. */
const GONE: readonly unknown[] = [GRPC.notFound, GRPC.failedPrecondition];

/** Of the group and of the child workflow that solves for it. */
export async function moveQueuedSteps(client: Client, groupId: GroupId, lane: Lane): Promise<void> {
  const pending = [workflowIdOfGroup(groupId)];
  for (let workflowId = pending.pop(); workflowId !== undefined; workflowId = pending.pop()) {
    const { raw } = await client.workflow.getHandle(workflowId).describe();
    for (const { activityId, state } of raw.pendingActivities ?? []) {
      if (Number(state) === SCHEDULED && typeof activityId === 'string') await moveStep(client, { workflowId, activityId }, lane);
    }
    pending.push(...(raw.pendingChildren ?? []).flatMap((child) => child.workflowId ?? []));
  }
}

async function moveStep(client: Client, step: { workflowId: string; activityId: string }, lane: Lane): Promise<void> {
  try {
    await client.connection.workflowService.updateActivityOptions({
      namespace: client.options.namespace,
      execution: { workflowId: step.workflowId },
      id: step.activityId,
      activityOptions: { priority: { priorityKey: LANE_PRIORITY[lane] } },
      updateMask: { paths: ['priority.priority_key'] },
    });
  } catch (error) {
    if (!GONE.includes(grpcStatusOf(error))) throw error;
  }
}
