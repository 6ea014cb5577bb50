/**
 * Where a group's temporary bytes are: `<scratch>/<group_id>/<run id>/<step>-<attempt>/`, one folder an attempt, so that a
 * host cut off from the network can never write into the folder of the attempt that replaced it.
 */
import { readdir, rm, rmdir, stat, statfs } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { systemErrorCode } from '../domain/system-error.ts';

export interface AttemptPlace {
  groupId: string;
  runId: string;
  step: string;
  attempt: number;
}

const runScratch = (scratch: string, place: { groupId: string; runId: string }): string =>
  inside(scratch, join(scratch, place.groupId, place.runId));

export const attemptScratch = (scratch: string, place: AttemptPlace): string =>
  inside(scratch, join(scratch, place.groupId, place.runId, `${place.step}-${place.attempt}`));

/** Bytes an unprivileged writer may still use on the file system that holds `path` (or its nearest existing parent). */
export async function freeBytes(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(await nearestExisting(path));
  return bavail * bsize;
}

/** What of a failed attempt stays when its run has ended: enough to understand it and to repeat it by hand. */
const CAPSULE = 'capsule.json';
const CAPSULE_FILES: readonly string[] = [CAPSULE, 'request.json', 'step.log'];

/** Removes the scratch of one run, and the group's folder when no other run is left in it. Answers how many bytes that freed. */
export const releaseRun = async (scratch: string, place: { groupId: string; runId: string }): Promise<number> =>
  freed(runScratch(scratch, place), (run) => rm(run, { recursive: true, force: true }));

/** The same, but for the capsules of attempts that failed. */
export const releaseRunButCapsules = async (scratch: string, place: { groupId: string; runId: string }): Promise<number> =>
  freed(runScratch(scratch, place), keepCapsules);

async function freed(run: string, remove: (run: string) => Promise<void>): Promise<number> {
  const before = await bytesBelow(run);
  await remove(run);
  await removeIfEmpty(run);
  await removeIfEmpty(dirname(run));
  return before - (await bytesBelow(run));
}

async function keepCapsules(run: string): Promise<void> {
  for (const attempt of await namesIn(run)) {
    const names = await namesIn(join(run, attempt));
    const left = names.includes(CAPSULE)
      ? names.filter((name) => !CAPSULE_FILES.includes(name)).map((name) => join(attempt, name))
      : [attempt];
    for (const path of left) await rm(join(run, path), { recursive: true, force: true });
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isMissing(error) || systemErrorCode(error) === 'ENOTDIR') return [];
    throw error;
  }
}

async function removeIfEmpty(folder: string): Promise<void> {
  try {
    await rmdir(folder);
  } catch (error) {
    if (!['ENOENT', 'ENOTEMPTY', 'EEXIST'].includes(systemErrorCode(error) ?? '')) throw error;
  }
}

export async function bytesBelow(folder: string): Promise<number> {
  let total = 0;
  for (const entry of await readdirOrNone(folder)) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) total += (await stat(path)).size;
  }
  return total;
}

async function readdirOrNone(folder: string) {
  try {
    return await readdir(folder, { recursive: true, withFileTypes: true });
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

async function nearestExisting(path: string): Promise<string> {
  try {
    await stat(path);
    return path;
  } catch (error) {
    if (!isMissing(error) || dirname(path) === path) throw error;
    return nearestExisting(dirname(path));
  }
}

function inside(root: string, path: string): string {
  const target = resolve(path);
  if (!target.startsWith(resolve(root) + sep)) throw new RangeError(`${path} is not inside ${root}`);
  return target;
}

const isMissing = (error: unknown): boolean => systemErrorCode(error) === 'ENOENT';
