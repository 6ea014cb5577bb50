/**
 * Gives back, hour by hour, what failed steps left behind (capsule.keep_h); below the free-space floor after an hour already.
 * Temporal is asked who still claims it: while it does not answer, nothing is removed.
 */
import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import type { Settings } from '../config/settings.ts';
import { groupIdSchema, workflowIdOfGroup } from '../domain/group-id.ts';
import { removeUnclaimed } from '../runner/kept-leftovers.ts';
import { freeBytes } from '../runner/scratch.ts';
import type { Logger } from '../telemetry/log.ts';

const HOUR_MS = 3_600_000;

/** Starts looking; answers how to stop. */
export function startLeftoverRetention(use: { client: Client; settings: Settings; log: Logger }): () => Promise<void> {
  const look = (): Promise<void> =>
    removeOld(use).catch((error: unknown) => use.log.warn({ err: error }, 'what failed steps left could not be looked through; it stays'));
  let looking = look();
  const timer = setInterval(() => {
    looking = looking.then(look);
  }, HOUR_MS);
  return async () => {
    clearInterval(timer);
    await looking;
  };
}

async function removeOld({ client, settings, log }: Parameters<typeof startLeftoverRetention>[0]): Promise<void> {
  const { scratch, output } = settings.paths;
  const isTight = (await freeBytes(output)) < settings.disk.pauseGb * 1e9;
  const keepMs = isTight ? Math.min(HOUR_MS, settings.capsule.keepH * HOUR_MS) : settings.capsule.keepH * HOUR_MS;
  const isClaimed = (groupId: string, runId: string | null): Promise<boolean> => isOpenRun(client, groupId, runId);
  for (const folder of await removeUnclaimed({ scratch, output, keepMs, nowMs: Date.now(), isClaimed })) {
    log.info(
      { folder },
      isTight ? 'removed what a failed step left: the disk is nearly full' : 'removed what a failed step left: capsule.keep_h is over',
    );
  }
}

async function isOpenRun(client: Client, groupId: string, runId: string | null): Promise<boolean> {
  try {
    const described = await client.workflow.getHandle(workflowIdOfGroup(groupIdSchema.parse(groupId))).describe();
    return described.status.name === 'RUNNING' && (runId === null || described.runId === runId);
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}
