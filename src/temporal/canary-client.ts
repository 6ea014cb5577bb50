/** Starts a canary for a person and waits for its verdict. */
import { randomUUID } from 'node:crypto';
import { type Client, ServiceError } from '@temporalio/client';
import type { CanaryRequest } from '../domain/canary.ts';
import { CANARY_WORKFLOW, type CanaryOutcome } from '../domain/canary-command.ts';
import { LANE_PRIORITY } from '../domain/group-state.ts';
import { TASK_QUEUES } from '../domain/observation-group.ts';
import { isServed } from './start-group.ts';
import { GroupRequestError } from './temporal-errors.ts';

export async function runCanary(client: Client, namespace: string, request: CanaryRequest): Promise<CanaryOutcome> {
  if (!(await isServed(client.connection, namespace))) {
    throw new GroupRequestError('worker_unavailable', 'no worker takes decisions of this pipeline; the canary was not started');
  }
  try {
    return await client.workflow.execute<(request: CanaryRequest) => Promise<CanaryOutcome>>(CANARY_WORKFLOW, {
      taskQueue: TASK_QUEUES.pipeline,
      workflowId: `canary/${randomUUID()}`,
      args: [request],
      priority: { priorityKey: LANE_PRIORITY.reprocess },
    });
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    throw new GroupRequestError('temporal_unreachable', 'Temporal went away; a canary that was started goes on when it is back', error);
  }
}
