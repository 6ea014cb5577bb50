/**
 * One group in the foreground, without Temporal: the step code of the worker (`concat`, `organize`), its outcome in the same
 * tables. What is converted already from the same files is left alone. Stopped in the middle it leaves nothing behind but
 * rows that say so.
 */
import { claimHost } from '../../activities/claim-host.ts';
import type { HostDependencies } from '../../activities/dependencies.ts';
import { organize } from '../../activities/organize.ts';
import { concat } from '../../activities/science-steps.ts';
import type { CatalogDatabase } from '../catalog/database.ts';
import { type GroupRow, groupById, keyOfGroup } from '../catalog/groups.ts';
import { productsOf } from '../catalog/products.ts';
import type { SubbandArrival } from '../domain/arrival.ts';
import type { CatalogActivities } from '../domain/catalog-command.ts';
import { degradationBy, lackingIn, reasonsOf } from '../domain/degradation.ts';
import type { StepFailure } from '../domain/failure.ts';
import type { ConcatResult, ValidateResult } from '../domain/science-result.ts';
import { subbandLabel } from '../domain/subband.ts';
import { bytesBelow, releaseRun } from '../runner/scratch.ts';
import { earlierConversion } from './earlier-conversion.ts';
import { ForegroundRecord, StepFailed } from './foreground-record.ts';

/** What became of one group. */
export interface Conversion {
  groupId: string;
  outcome: 'converted' | 'there already' | 'skipped' | 'failed' | 'stopped';
  /** Where its Measurement Set is; null when there is none. */
  ms: string | null;
  reason: string | null;
  failure: StepFailure | null;
}

export interface ForegroundEngine {
  dependencies: HostDependencies;
  database: CatalogDatabase;
  /** The commands of queue `catalog`, called directly: this process is the writer. */
  catalog: CatalogActivities;
}

export interface GroupOrder {
  group: GroupRow;
  members: SubbandArrival[];
  missing: number[];
  /** Convert also what is there already. */
  force: boolean;
  signal: AbortSignal;
  progress: (line: string) => void;
}

export async function convertInForeground(engine: ForegroundEngine, order: GroupOrder): Promise<Conversion> {
  const { dependencies, catalog, database } = engine;
  const { settings } = dependencies;
  const { group, members, missing } = order;
  const groupId = group.group_id;
  const needed = Math.min(settings.collecting.minimum, settings.collecting.expected);
  if (members.length < needed) {
    const reason = `${members.length} of ${settings.collecting.expected} subbands, at least ${needed} are needed; missing ${missing.map(subbandLabel).join(', ')}`;
    await catalog.closeLedger({ groupId, outcome: 'skipped', reason });
    return { groupId, outcome: 'skipped', ms: null, reason, failure: null };
  }
  // Another group of this interval may have changed the row meanwhile; the run number must be the newest.
  const row = groupById(database, groupId) ?? group;
  const present = members.map(({ subband }) => subband);
  const record = new ForegroundRecord(catalog, row, { host: dependencies.hostName, present, missing });

  const earlier = order.force ? null : await earlierConversion(settings.paths.output, groupId, members);
  if (earlier !== null) {
    const known = productsOf(database, groupId).some((product) => product.path === earlier.ms && product.status !== 'deleted');
    if (!known) {
      await recordSet(engine, record, earlier.ms, earlier.concat, earlier.validation);
      await record.completed(earlier.validation.classification.calibrator);
    }
    return { groupId, outcome: 'there already', ms: earlier.ms, reason: null, failure: null };
  }
  try {
    const { ms, validation } = await convert(engine, order, record);
    await record.completed(validation.classification.calibrator);
    if (settings.scratch.cleanup) await releaseRun(settings.paths.scratch, record.run);
    return { groupId, outcome: 'converted', ms, reason: `filed as ${validation.classification.kind}`, failure: null };
  } catch (error) {
    if (order.signal.aborted) {
      await releaseRun(settings.paths.scratch, record.run);
      const reason = order.signal.reason instanceof Error ? order.signal.reason.message : 'stopped';
      await record.stopped(reason);
      return { groupId, outcome: 'stopped', ms: null, reason, failure: null };
    }
    if (!(error instanceof StepFailed)) throw error;
    await record.failed(error.failure);
    return { groupId, outcome: 'failed', ms: null, reason: error.failure.message, failure: error.failure };
  }
}

async function convert(
  engine: ForegroundEngine,
  order: GroupOrder,
  record: ForegroundRecord,
): Promise<{ ms: string; validation: ValidateResult }> {
  const { dependencies } = engine;
  const { steps, collecting } = dependencies.settings;
  const key = keyOfGroup(order.group);
  const requestedAt = new Date().toISOString();
  const watch = (step: string) => ({
    signal: order.signal,
    progress: ({ fraction, message }: { fraction: number; message: string }) =>
      order.progress(`${order.group.group_id} ${step} ${Math.round(fraction * 100)} % ${message}`),
  });
  await record.attempt('claimHost', steps.claimHost, order.signal, async () => ({
    output: await claimHost(dependencies)(),
    ...NOTHING_MEASURED,
  }));
  const made = await record.attempt('concat', steps.concat, order.signal, (attempt) =>
    concat(dependencies)(
      {
        attempt,
        requestedAt,
        parameters: steps.concat,
        members: order.members.map(({ path, subband }) => ({ path, subband })),
        expectedSubbands: collecting.expected,
        key,
      },
      watch('concat'),
    ),
  );
  const { result } = made.output;
  const { output: published } = await record.attempt('organize', steps.organize, order.signal, (attempt) =>
    organize(dependencies)(
      {
        attempt,
        requestedAt,
        parameters: steps.organize,
        concat: result,
        key,
        degradedReasons: degradationBy(lackingIn(result)),
        conversion: { parameters: steps.concat, resources: made.resources },
      },
      watch('organize'),
    ),
  );
  await recordSet(engine, record, published.publishedMs, result, published.validation);
  return { ms: published.publishedMs, validation: published.validation };
}

const NOTHING_MEASURED = { resources: null, bytesRead: null, bytesWritten: null, timingsS: null, note: null } as const;

async function recordSet(
  { catalog, dependencies }: ForegroundEngine,
  record: ForegroundRecord,
  ms: string,
  concatResult: ConcatResult,
  validation: ValidateResult,
): Promise<void> {
  const degradedReasons = reasonsOf(lackingIn(concatResult));
  await record.changed({ degradedReasons });
  await catalog.recordProduct({
    kind: 'ms',
    ...record.run,
    attempt: 1,
    parameters: { ...dependencies.settings.steps.organize },
    degradedReasons,
    path: ms,
    contentHash: concatResult.contentDigest,
    bytes: await bytesBelow(ms),
    software: concatResult.software ?? {},
    inputProductIds: [],
    concat: concatResult,
    classification: validation.classification,
  });
}
