/**
 * Starts the reruns that the product database has planned (policy.rerun_stale). A plan stays open until Temporal took it, so
 * none is lost while it is away; the request bears the plan's id, so none is done twice.
 */
import type { Client } from '@temporalio/client';
import { type CatalogDatabase } from '../catalog/database.ts';
import { groupById } from '../catalog/groups.ts';
import { plannedReruns, settleRerun } from '../catalog/reruns.ts';
import type { Settings } from '../config/settings.ts';
import { isoFromUnixMs } from '../domain/utc.ts';
import type { Logger } from '../telemetry/log.ts';
import { requestRerun } from './rerun-request.ts';

const LOOK_EVERY_MS = 2_000;
/** A new calibration set may concern a whole night: the others follow at the next looks. */
const AT_ONCE = 20;

/** Starts looking; answers how to stop. */
export function startStaleReruns(use: { database: CatalogDatabase; client: Client; settings: Settings; log: Logger }): () => Promise<void> {
  if (use.settings.policy.rerunStale !== 'automatic') return async () => undefined;
  let looking: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    looking = looking
      .then(() => startPlanned(use))
      .catch((error: unknown) => use.log.error({ err: error }, 'planned reruns could not be started; they wait'));
  }, LOOK_EVERY_MS);
  return async () => {
    clearInterval(timer);
    await looking;
  };
}

async function startPlanned({ database, client, settings, log }: Parameters<typeof startStaleReruns>[0]): Promise<void> {
  for (const plan of plannedReruns(database, AT_ONCE)) {
    const at = isoFromUnixMs(Date.now());
    const group = groupById(database, plan.group_id);
    if (group === null) throw new Error(`rerun ${plan.id} is planned for group ${plan.group_id}, which has no row`);
    // A person or the deadline ended it without a result: nothing automatic opens it again.
    if (group.state === 'cancelled' || group.state === 'failed') {
      settleRerun(database, { id: plan.id, status: 'dropped', answer: `the group is ${group.state}`, at });
      continue;
    }
    const request = { requestId: `plan-${plan.id}`, by: 'contimg', reason: plan.reason, from: plan.from_step };
    await requestRerun(client, settings, group, request);
    settleRerun(database, { id: plan.id, status: 'started', answer: 'Temporal has the request', at });
    log.info({ groupId: plan.group_id, from: plan.from_step, reason: plan.reason }, 'a rerun was started');
  }
}
