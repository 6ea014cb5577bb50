/**
 * Tells a group's workflow of a file with one call that starts the workflow if it is not there: the first file starts it, the
 * others signal it, in any order, any number of times.
 */
import { type Client, WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { workflowIdOfGroup } from '../domain/group-id.ts';
import { LANE_PRIORITY } from '../domain/group-state.ts';
import { GROUP_SIGNALS, GROUP_WORKFLOW_TYPE, TASK_QUEUES } from '../domain/observation-group.ts';
import type { Announce } from '../ingest/announcer.ts';

export const createAnnounce =
  (client: Client): Announce =>
  async (groupId, input, arrival, { afterClosedRun }) => {
    try {
      await client.workflow.signalWithStart(GROUP_WORKFLOW_TYPE, {
        workflowId: workflowIdOfGroup(groupId),
        taskQueue: TASK_QUEUES.pipeline,
        args: [input],
        signal: GROUP_SIGNALS.subbandArrived,
        signalArgs: [arrival],
        workflowIdReusePolicy: afterClosedRun ? 'ALLOW_DUPLICATE' : 'REJECT_DUPLICATE',
        priority: { priorityKey: LANE_PRIORITY[input.lane] },
      });
      return 'told';
    } catch (error) {
      if (error instanceof WorkflowExecutionAlreadyStartedError) return 'closed';
      throw error;
    }
  };
