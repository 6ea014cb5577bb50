/**
 * A batch: the files of one directory admitted as the watcher admits them, the groups of an interval chosen, and a job done
 * for each, some at a time. Raw files are only read.
 */
import { realpath } from 'node:fs/promises';
import { sep } from 'node:path';
import type { CatalogDatabase } from '../catalog/database.ts';
import { type GroupRow, listGroups } from '../catalog/groups.ts';
import { membersOf } from '../catalog/subband-files.ts';
import type { Settings } from '../config/settings.ts';
import type { SubbandArrival } from '../domain/arrival.ts';
import { chooseMembers } from '../domain/membership.ts';
import { isoFromUnixMs } from '../domain/utc.ts';
import { createIngest } from '../ingest/ingest.ts';
import type { IngestLog } from '../ingest/intake.ts';
import type { WatchStatus } from '../ingest/watch-status.ts';

/** UTC milliseconds, `[startMs, endMs)`; start = end means the group that holds that instant. */
export interface Interval {
  startMs: number;
  endMs: number;
}

export interface BatchGroup {
  group: GroupRow;
  members: SubbandArrival[];
  missing: number[];
}

/** Looks at every file of the input directory once. `database`: opened with role `watch`. */
export async function admitDirectory(settings: Settings, database: CatalogDatabase, log: IngestLog): Promise<WatchStatus> {
  // `closed` keeps every file waiting for announcement: a batch tells no workflow by itself.
  const ingest = await createIngest({ settings, database, log, announce: async () => 'closed' });
  return ingest.once();
}

/** Groups of the interval with at least one member below the input directory, oldest first. */
export async function groupsOfBatch(database: CatalogDatabase, settings: Settings, interval: Interval): Promise<BatchGroup[]> {
  const roots = [settings.paths.input, await realpath(settings.paths.input)];
  const isBelow = ({ path }: SubbandArrival): boolean => roots.some((root) => path.startsWith(root + sep));
  return rowsNear(database, interval)
    .filter((group) => holds(group, interval))
    .map((group) => ({ group, ...chooseMembers(membersOf(database, group.group_id), settings.collecting.expected) }))
    .filter(({ members }) => members.some(isBelow))
    .sort((a, b) => a.group.group_id.localeCompare(b.group.group_id));
}

/** No group is longer than this: the rows read reach back so far. */
const LONGEST_GROUP_MS = 3_600_000;
const PAST_THE_LAST_MS = 1000;

const rowsNear = (database: CatalogDatabase, { startMs, endMs }: Interval): GroupRow[] =>
  listGroups(database, {
    start: isoFromUnixMs(startMs - LONGEST_GROUP_MS),
    end: isoFromUnixMs(endMs + PAST_THE_LAST_MS),
    limit: Number.MAX_SAFE_INTEGER,
  }).groups;

function holds(group: GroupRow, { startMs, endMs }: Interval): boolean {
  const observedMs = Date.parse(group.observed_at);
  const lengthMs = group.integration_s * group.integrations * 1000;
  if (startMs === endMs) return observedMs <= startMs && startMs < observedMs + lengthMs;
  return observedMs >= startMs && observedMs < endMs;
}

/** Does a job for each entry, at most `jobs` at a time, and answers in the order of the entries. */
export async function doEach<Entry, Answer>(
  entries: readonly Entry[],
  jobs: number,
  work: (entry: Entry) => Promise<Answer>,
): Promise<Answer[]> {
  const answers: Answer[] = [];
  const rest = entries.entries();
  const takeNext = async (): Promise<void> => {
    for (const [index, entry] of rest) answers[index] = await work(entry);
  };
  await Promise.all(Array.from({ length: Math.min(jobs, entries.length) }, takeNext));
  return answers;
}
