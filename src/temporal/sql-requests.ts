/**
 * Carries repairs that people file through SQL to the workflow of their group, and writes its answer into the same row.
 * A request that nobody could answer yet stays open; the next look takes it up.
 */
import type { Client } from '@temporalio/client';
import type { CatalogDatabase } from '../catalog/database.ts';
import { answer, type OperatorRequestRow, pending } from '../catalog/operator-requests.ts';
import { isoFromUnixMs } from '../domain/utc.ts';
import type { Logger } from '../telemetry/log.ts';
import { resumeGroup } from './group-client.ts';
import { GroupRequestError } from './temporal-errors.ts';

const LOOK_EVERY_MS = 2_000;
/** Not the request's fault: asked again later. */
const TRY_LATER: readonly string[] = ['worker_unavailable', 'temporal_unreachable'];

/** Starts looking; answers how to stop. */
export function answerSqlRequests(dependencies: { database: CatalogDatabase; client: Client; log: Logger }): () => Promise<void> {
  const { database, client, log } = dependencies;
  let looking: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    looking = looking.then(async () => {
      for (const request of pending(database)) {
        const reply = await askWorkflow(client, request);
        if (reply === null) continue;
        answer(database, { id: request.id, ...reply, at: isoFromUnixMs(Date.now()) });
        log.info({ groupId: request.group_id, ...reply }, 'answered a repair filed through SQL');
      }
    });
    looking = looking.catch((error: unknown) => log.error({ err: error }, 'could not look at repairs filed through SQL'));
  }, LOOK_EVERY_MS);
  return async () => {
    clearInterval(timer);
    await looking;
  };
}

async function askWorkflow(client: Client, request: OperatorRequestRow): Promise<{ answer: 'accepted' | 'refused'; text: string } | null> {
  try {
    const status = await resumeGroup(client, request.group_id, { by: request.requested_by, reason: request.reason });
    return { answer: 'accepted', text: `the group is ${status.state}` };
  } catch (error) {
    if (!(error instanceof GroupRequestError)) throw error;
    return TRY_LATER.includes(error.code) ? null : { answer: 'refused', text: `${error.code}: ${error.message}` };
  }
}
