/**
 * The foreground engine of `contimg convert`: admits the files of a directory as the watcher does, and runs the step code
 * of the worker (`concat`, `organize`) on the groups of an interval, one after the other. What is converted already from
 * the same files is left alone. Groups stay announceable: a pipeline that starts later on this database takes them up.
 */
import { z } from 'zod';
import type { HostDependencies } from '../../activities/dependencies.ts';
import { readManifest } from '../../activities/manifest.ts';
import { organize } from '../../activities/organize.ts';
import { versionedPath } from '../../activities/publish.ts';
import { concat } from '../../activities/science-steps.ts';
import { join } from 'node:path';
import type { CatalogDatabase } from '../catalog/database.ts';
import { type GroupRow, keyOfGroup, listGroups } from '../catalog/groups.ts';
import { membersOf } from '../catalog/subband-files.ts';
import type { SubbandArrival } from '../domain/arrival.ts';
import { StepError, type StepFailure } from '../domain/failure.ts';
import { dateFolderOfGroup } from '../domain/group-id.ts';
import { chooseMembers } from '../domain/membership.ts';
import { createIngest } from '../ingest/ingest.ts';
import { releaseRun } from '../runner/scratch.ts';

/** UTC milliseconds; start = end means the group that holds that instant. */
export interface Interval {
  startMs: number;
  endMs: number;
}

export interface Conversion {
  groupId: string;
  outcome: 'converted' | 'there already' | 'skipped' | 'failed';
  ms: string | null;
  reason: string | null;
  failure: StepFailure | null;
}

export async function admitDirectory({ settings, log }: HostDependencies, database: CatalogDatabase): Promise<void> {
  // `closed` keeps every file waiting for announcement: this engine tells no workflow.
  const ingest = await createIngest({ settings, database, log, announce: async () => 'closed' });
  await ingest.once();
}

const lengthMs = (group: GroupRow): number => group.integration_s * group.integrations * 1000;

export function groupsIn(database: CatalogDatabase, { startMs, endMs }: Interval): GroupRow[] {
  return listGroups(database, { limit: Number.MAX_SAFE_INTEGER })
    .groups.filter((group) => {
      const observedMs = Date.parse(group.observed_at);
      return startMs === endMs
        ? observedMs <= startMs && startMs < observedMs + lengthMs(group)
        : observedMs >= startMs && observedMs < endMs;
    })
    .sort((a, b) => a.observed_at.localeCompare(b.observed_at));
}

export async function convertGroup(
  dependencies: HostDependencies,
  database: CatalogDatabase,
  group: GroupRow,
  options: { force: boolean; signal: AbortSignal; progress: (line: string) => void },
): Promise<Conversion> {
  const { settings } = dependencies;
  const groupId = group.group_id;
  const { members, missing } = chooseMembers(membersOf(database, groupId), settings.collecting.expected);
  const needed = Math.min(settings.collecting.minimum, settings.collecting.expected);
  if (members.length < needed) {
    const reason = `${members.length} of ${settings.collecting.expected} subbands; at least ${needed} are needed`;
    return { groupId, outcome: 'skipped', ms: null, reason, failure: null };
  }
  const there = options.force ? null : await publishedFrom(settings.paths.output, group, members);
  if (there !== null) return { groupId, outcome: 'there already', ms: there, reason: null, failure: null };

  const run = { groupId, runId: `convert-${process.pid}`, runNumber: 1 };
  const requestedAt = new Date().toISOString();
  const watch = (step: string) => ({
    signal: options.signal,
    progress: ({ fraction, message }: { fraction: number; message: string }) =>
      options.progress(`${groupId} ${step} ${Math.round(fraction * 100)} % ${message}`),
  });
  const key = keyOfGroup(group);
  try {
    const made = await concat(dependencies)(
      {
        attempt: { ...run, step: 'concat', attempt: 1 },
        requestedAt,
        parameters: settings.steps.concat,
        members: members.map(({ path, subband }) => ({ path, subband })),
        expectedSubbands: settings.collecting.expected,
        key,
      },
      watch('concat'),
    );
    const published = await organize(dependencies)(
      {
        attempt: { ...run, step: 'organize', attempt: 1 },
        requestedAt,
        parameters: settings.steps.organize,
        concat: made.output.result,
        key,
        degradedReasons: missing.length > 0 ? ['subbands_missing'] : [],
      },
      watch('organize'),
    );
    if (settings.scratch.cleanup) await releaseRun(settings.paths.scratch, run);
    return { groupId, outcome: 'converted', ms: published.output.publishedMs, reason: published.note, failure: null };
  } catch (error) {
    if (!(error instanceof StepError)) throw error;
    return { groupId, outcome: 'failed', ms: null, reason: error.failure.message, failure: error.failure };
  }
}

const conversionInputs = z.looseObject({
  conversion: z.looseObject({ inputs: z.array(z.looseObject({ path: z.string(), bytes: z.int() })) }),
});

/** The published set of this group that was made from exactly these files, if there is one. */
async function publishedFrom(output: string, group: GroupRow, members: readonly SubbandArrival[]): Promise<string | null> {
  const wanted = members
    .map(({ path, bytes }) => `${bytes} ${path}`)
    .sort()
    .join('\n');
  for (const kind of ['science', 'calibrators']) {
    const folder = join(output, 'ms', kind, dateFolderOfGroup(group.group_id));
    for (let version = 1; ; version += 1) {
      const ms = versionedPath(folder, group.group_id, '.ms', version);
      const manifest = await readManifest(ms);
      if (manifest === null) break;
      const { inputs } = conversionInputs.parse(manifest).conversion;
      if (
        inputs
          .map(({ path, bytes }) => `${bytes} ${path}`)
          .sort()
          .join('\n') === wanted
      )
        return ms;
    }
  }
  return null;
}
