/** What people ask of a backfill's workflow: start, progress, pause, continue, stop. Refusals say why and what to do. */
import { type Client, ServiceError, WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError } from '@temporalio/client';
import {
  BACKFILL_QUERIES,
  BACKFILL_SIGNALS,
  BACKFILL_WORKFLOW_TYPE,
  type BackfillInput,
  type BackfillProgress,
  backfillProgressSchema,
  type BackfillRequest,
  workflowIdOfBackfill,
} from '../domain/backfill.ts';
import { LANE_PRIORITY } from '../domain/group-state.ts';
import { TASK_QUEUES } from '../domain/observation-group.ts';
import { GRPC, grpcStatusOf } from './grpc-status.ts';

export type BackfillRefusal = 'backfill_runs' | 'unknown_backfill' | 'worker_unavailable';

export class BackfillRequestError extends Error {
  override readonly name = 'BackfillRequestError';
  readonly code: BackfillRefusal;
  readonly remedy: string;
  constructor(code: BackfillRefusal, message: string, remedy: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
    this.remedy = remedy;
  }
}

/** A query waits for a worker; with none it would wait for ever. */
const NO_WORKER_AFTER_MS = 10_000;

export async function startBackfill(client: Client, input: BackfillInput): Promise<void> {
  try {
    await client.workflow.start(BACKFILL_WORKFLOW_TYPE, {
      workflowId: workflowIdOfBackfill(input.range),
      taskQueue: TASK_QUEUES.pipeline,
      args: [input],
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      priority: { priorityKey: LANE_PRIORITY[input.lane] },
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    const remedy = `look at it with \`contimg backfill status ${input.range}\`, or stop it first`;
    throw new BackfillRequestError('backfill_runs', `a backfill of ${input.range} runs already`, remedy, error);
  }
}

/** Also of one that has ended. */
export function backfillProgress(client: Client, range: string): Promise<BackfillProgress> {
  return asked(range, async () => {
    const handle = client.workflow.getHandle(workflowIdOfBackfill(range));
    const answer: unknown = await client.withDeadline(Date.now() + NO_WORKER_AFTER_MS, () => handle.query(BACKFILL_QUERIES.progress));
    const progress = backfillProgressSchema.parse(answer);
    const { status } = await handle.describe();
    return status.name === 'COMPLETED' && progress.state === 'running' ? { ...progress, state: 'done' } : progress;
  });
}

export const askBackfill = (client: Client, range: string, verb: keyof typeof BACKFILL_SIGNALS, request: BackfillRequest): Promise<void> =>
  asked(range, () => client.workflow.getHandle(workflowIdOfBackfill(range)).signal(BACKFILL_SIGNALS[verb], request));

async function asked<Answer>(range: string, ask: () => Promise<Answer>): Promise<Answer> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) {
      const remedy = 'give START..END as it was printed when the backfill was started; times are UTC';
      throw new BackfillRequestError('unknown_backfill', `no backfill of ${range} runs`, remedy, error);
    }
    if (error instanceof ServiceError && grpcStatusOf(error.cause) === GRPC.deadlineExceeded) {
      throw new BackfillRequestError('worker_unavailable', 'no worker answered within 10 s', 'start one with `contimg worker`', error);
    }
    throw error;
  }
}
