/** Starts a run of a group that is asked for by name, and says whether a pipeline is there to take it. */
import type { Client, Connection } from '@temporalio/client';
import { workflowIdOfGroup } from '../domain/group-id.ts';
import { LANE_PRIORITY } from '../domain/group-state.ts';
import { GROUP_WORKFLOW_TYPE, type ObservationGroupInput, TASK_QUEUES } from '../domain/observation-group.ts';
import { GRPC, grpcStatusOf } from './grpc-status.ts';

/** A running one is left as it is; a closed one is followed by a new run. */
export async function startGroup(client: Client, input: ObservationGroupInput): Promise<void> {
  await client.workflow.start(GROUP_WORKFLOW_TYPE, {
    workflowId: workflowIdOfGroup(input.groupId),
    taskQueue: TASK_QUEUES.pipeline,
    args: [input],
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    workflowIdConflictPolicy: 'USE_EXISTING',
    priority: { priorityKey: LANE_PRIORITY[input.lane] },
  });
}

/** True when some worker takes decisions of this namespace. */
export async function isServed(connection: Pick<Connection, 'workflowService'>, namespace: string): Promise<boolean> {
  try {
    // Without a type the server answers for workflow tasks.
    const taskQueue = { name: TASK_QUEUES.pipeline };
    const { pollers } = await connection.workflowService.describeTaskQueue({ namespace, taskQueue });
    return (pollers ?? []).length > 0;
  } catch (error) {
    // There is no such namespace.
    if (grpcStatusOf(error) === GRPC.notFound) return false;
    throw error;
  }
}
