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

/** Removes the scratch of one run, and the group's folder when no other run is left in it. Answers how many bytes it held. */
export async function releaseRun(scratch: string, place: { groupId: string; runId: string }): Promise<number> {
  const target = runScratch(scratch, place);
  const bytes = await bytesBelow(target);
  await rm(target, { recursive: true, force: true });
  await removeIfEmpty(dirname(target));
  return bytes;
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
