/** Tells open groups that a calibration set was registered; each decides for itself whether it waits for one. */
import type { Client } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/client';
import { GROUP_SIGNALS, GROUP_WORKFLOW_TYPE } from '../src/domain/observation-group.ts';

export const broadcastCalibration =
  (client: Client) =>
  async (set: { productId: number; decDeg: number }): Promise<number> => {
    const query = `WorkflowType = '${GROUP_WORKFLOW_TYPE}' AND ExecutionStatus = 'Running' AND ContimgStep = 'calibrate'`;
    let told = 0;
    for await (const { workflowId } of client.workflow.list({ query })) {
      try {
        await client.workflow.getHandle(workflowId).signal(GROUP_SIGNALS.calibrationAvailable, set);
        told += 1;
      } catch (error) {
        // Closed between the listing and the signal: it no longer waits for anything.
        if (!(error instanceof WorkflowNotFoundError)) throw error;
      }
    }
    return told;
  };
