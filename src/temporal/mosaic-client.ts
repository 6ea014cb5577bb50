/** Has a mosaic made by its workflow, and waits for it. A refusal says why and what to do. */
import { type Client, WorkflowExecutionAlreadyStartedError, WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { type StepFailure, stepFailureSchema } from '../domain/failure.ts';
import { LANE_PRIORITY } from '../domain/group-state.ts';
import { MOSAIC_WORKFLOWS, type MosaicInput, type MosaicOutcome, workflowIdOfMosaic } from '../domain/mosaic.ts';
import { TASK_QUEUES } from '../domain/observation-group.ts';

export type MosaicAnswer = MosaicOutcome | { made: false; failure: StepFailure } | { made: false; isRunning: true };

export async function makeMosaic(client: Client, input: MosaicInput): Promise<MosaicAnswer> {
  try {
    return await client.workflow.execute<(input: MosaicInput) => Promise<MosaicOutcome>>(MOSAIC_WORKFLOWS.mosaic, {
      taskQueue: TASK_QUEUES.pipeline,
      workflowId: workflowIdOfMosaic(input),
      args: [input],
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      priority: { priorityKey: LANE_PRIORITY[input.lane] },
    });
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return { made: false, isRunning: true };
    const failure =
      error instanceof WorkflowFailedError && error.cause instanceof ApplicationFailure
        ? stepFailureSchema.safeParse(error.cause.details?.[0])
        : null;
    if (failure?.success !== true) throw error;
    return { made: false, failure: failure.data };
  }
}
