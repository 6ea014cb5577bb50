/**
 * Tells a group's workflow of files with one call that starts the workflow if it is not there: the first file starts it, the
 * others signal it, in any order, any number of times, alone or several in one signal.
 */
import { type Client, WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import type { Settings } from '../config/settings.ts';
import { workflowIdOfGroup } from '../domain/group-id.ts';
import { LANE_PRIORITY } from '../domain/group-state.ts';
import { GROUP_SIGNALS, GROUP_WORKFLOW_TYPE, TASK_QUEUES } from '../domain/observation-group.ts';
import type { Announce } from '../ingest/announcer.ts';
import { connectClient } from './connection.ts';

const createAnnounce =
  (client: Client): Announce =>
  async (groupId, input, arrivals, { afterClosedRun }) => {
    try {
      await client.workflow.signalWithStart(GROUP_WORKFLOW_TYPE, {
        workflowId: workflowIdOfGroup(groupId),
        taskQueue: TASK_QUEUES.pipeline,
        args: [input],
        signal: GROUP_SIGNALS.subbandArrived,
        signalArgs: [...arrivals],
        workflowIdReusePolicy: afterClosedRun ? 'ALLOW_DUPLICATE' : 'REJECT_DUPLICATE',
        priority: { priorityKey: LANE_PRIORITY[input.lane] },
      });
      return 'told';
    } catch (error) {
      if (error instanceof WorkflowExecutionAlreadyStartedError) return 'closed';
      throw error;
    }
  };

/** Connects at the first announcement, and again after a failed one: a watcher may start before Temporal does. */
export function createReconnectingAnnounce(settings: Pick<Settings, 'temporal'>): { announce: Announce; close(): Promise<void> } {
  let client: Client | null = null;
  const disconnect = async (): Promise<void> => {
    const old = client;
    client = null;
    await old?.connection.close();
  };
  return {
    async announce(...order) {
      client ??= await connectClient(settings);
      try {
        return await createAnnounce(client)(...order);
      } catch (error) {
        await disconnect();
        throw error;
      }
    },
    close: disconnect,
  };
}
