/** How a person's explanation of a ledger row reaches the one writer of the database: as a small workflow of its own. */
import { type Client, WorkflowFailedError } from '@temporalio/client';
import { TimeoutFailure } from '@temporalio/common';
import { type Annotation, LEDGER_WORKFLOWS } from '../domain/ledger-command.ts';
import { TASK_QUEUES } from '../domain/observation-group.ts';
import { GroupRequestError } from './temporal-errors.ts';

/** False: there is no such row. With no worker nothing is written, now or later. */
export async function annotateLedger(client: Client, annotation: Annotation): Promise<boolean> {
  try {
    return await client.workflow.execute<(annotation: Annotation) => Promise<boolean>>(LEDGER_WORKFLOWS.annotation, {
      taskQueue: TASK_QUEUES.pipeline,
      workflowId: annotation.requestId,
      args: [annotation],
      workflowExecutionTimeout: '10 seconds',
    });
  } catch (error) {
    if (!(error instanceof WorkflowFailedError && error.cause instanceof TimeoutFailure)) throw error;
    throw new GroupRequestError(
      'worker_unavailable',
      'no worker with --catalog took the explanation within 10 s; nothing was written',
      error,
    );
  }
}
