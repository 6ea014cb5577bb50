/** How a person's word reaches the one writer of the database: as a small workflow of its own, around one catalog command. */
import { type Client, WorkflowFailedError } from '@temporalio/client';
import { TimeoutFailure } from '@temporalio/common';
import { TASK_QUEUES } from '../domain/observation-group.ts';
import { GroupRequestError } from './temporal-errors.ts';

interface Word {
  /** Of this word alone: told twice, it is one workflow. */
  requestId: string;
}

/** Answers what the command answers. `what` names the word to people. With no worker nothing is written, now or later. */
export async function tellCatalog(client: Client, workflow: string, word: Word, what: string): Promise<boolean> {
  try {
    return await client.workflow.execute<(word: Word) => Promise<boolean>>(workflow, {
      taskQueue: TASK_QUEUES.pipeline,
      workflowId: word.requestId,
      args: [word],
      workflowExecutionTimeout: '10 seconds',
    });
  } catch (error) {
    if (!(error instanceof WorkflowFailedError && error.cause instanceof TimeoutFailure)) throw error;
    throw new GroupRequestError('worker_unavailable', `no worker with --catalog took the ${what} within 10 s; nothing was written`, error);
  }
}
