/**
 * What failed steps left for people (scratch with its capsules, rejected Measurement Sets) is kept for a time and then
 * removed, but never while a workflow still claims it: a parked group may be resumed after a week. Looks at nothing that
 * does not bear a group's name.
 */
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { groupIdSchema } from '../domain/group-id.ts';
import { systemErrorCode } from '../domain/system-error.ts';

/** Inside a failed group's folder: the Measurement Set that was rejected. */
export const SALVAGED = 'salvaged.ms.failed';

export interface KeepRule {
  scratch: string;
  output: string;
  keepMs: number;
  nowMs: number;
  /** Whether a workflow is open that may still need these bytes. `runId` null: any run of the group. */
  isClaimed(groupId: string, runId: string | null): Promise<boolean>;
}

/** Removes what is older than the rule allows and nobody claims. Answers the folders it removed. */
export async function removeUnclaimed(rule: KeepRule): Promise<string[]> {
  const removed: string[] = [];
  for (const { folder, groupId, runId } of [...(await scratchRuns(rule.scratch)), ...(await salvagedSets(rule.output))]) {
    if (rule.nowMs - (await lastChangeMs(folder)) < rule.keepMs || (await rule.isClaimed(groupId, runId))) continue;
    await rm(folder, { recursive: true, force: true });
    removed.push(folder);
  }
  return removed;
}

interface Leftover {
  folder: string;
  groupId: string;
  runId: string | null;
}

async function scratchRuns(scratch: string): Promise<Leftover[]> {
  const runs: Leftover[] = [];
  for (const groupId of await namesIn(scratch)) {
    if (!groupIdSchema.safeParse(groupId).success) continue;
    for (const runId of await namesIn(join(scratch, groupId))) runs.push({ folder: join(scratch, groupId, runId), groupId, runId });
  }
  return runs;
}

async function salvagedSets(output: string): Promise<Leftover[]> {
  const sets: Leftover[] = [];
  const failed = join(output, 'ms', 'failed');
  for (const date of await namesIn(failed)) {
    for (const name of await namesIn(join(failed, date))) {
      const groupId = name.replace(/(\.v\d+)?\.ms$/, '');
      const holds = (await namesIn(join(failed, date, name))).includes(SALVAGED);
      if (holds && groupIdSchema.safeParse(groupId).success)
        sets.push({ folder: join(failed, date, name, SALVAGED), groupId, runId: null });
    }
  }
  return sets;
}

/** The youngest of the folder and what lies directly in it: a step's folder changes when the step writes. */
async function lastChangeMs(folder: string): Promise<number> {
  const paths = [folder, ...(await namesIn(folder)).map((name) => join(folder, name))];
  const times = await Promise.all(paths.map(async (path) => (await stat(path)).mtimeMs));
  return Math.max(...times);
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return [];
    throw error;
  }
}
