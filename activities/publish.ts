/**
 * Puts a finished folder at its published place, by rename: readers see nothing or all of it. A published path is never
 * overwritten: the same content again is a no-op, other content becomes the next version (`NAME.v2`). A crash at any instant
 * leaves the whole source, the whole published folder, or both.
 */
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { StepError } from '../src/domain/failure.ts';
import type { AttemptName } from '../src/domain/step-output.ts';
import { systemErrorCode } from '../src/domain/system-error.ts';
import { copyFolder, hashFolder, syncFolder } from './hashed-copy.ts';

export { hashFolder, syncFolder } from './hashed-copy.ts';

/** Which attempt moves a folder: part of the name of a copy in the making. */
export type Mover = Pick<AttemptName, 'runId' | 'attempt'>;

/** Bytes that a move read and wrote: none where it was a rename. */
export interface MovedBytes {
  bytesRead: number;
  bytesWritten: number;
}

/** `…/NAME.EXT`, `…/NAME.v2.EXT`, …: the place of a version below its folder. */
export const versionedPath = (folder: string, name: string, extension: string, version: number): string =>
  join(folder, `${name}${version === 1 ? '' : `.v${version}`}${extension}`);

/** Publishes `source` under the first version that is free, or finds the one that holds the same content already. */
export async function publishFolder(order: {
  source: string;
  folder: string;
  name: string;
  extension: string;
  contentHash: string;
  attempt: Mover;
}): Promise<{ path: string; alreadyThere: boolean }> {
  for (let version = 1; ; version += 1) {
    const path = versionedPath(order.folder, order.name, order.extension, version);
    if (!(await exists(path))) {
      await moveInto(order.source, path, order.attempt);
      return { path, alreadyThere: false };
    }
    if ((await hashFolder(path)) === order.contentHash) return { path, alreadyThere: true };
  }
}

/** Rename where it is one file system; else copy beside the target, read back and compare, and rename there. */
export async function moveInto(source: string, target: string, attempt: Mover): Promise<MovedBytes> {
  const folder = dirname(target);
  await mkdir(folder, { recursive: true });
  await removeLeftovers(target);
  try {
    await rename(source, target);
  } catch (error) {
    if (systemErrorCode(error) !== 'EXDEV') throw error;
    return await moveAcrossFileSystems(source, target, attempt);
  }
  await syncFolder(folder);
  return { bytesRead: 0, bytesWritten: 0 };
}

async function moveAcrossFileSystems(source: string, target: string, attempt: Mover): Promise<MovedBytes> {
  const beside = join(dirname(target), `${copyPrefix(target)}${attempt.runId}-${attempt.attempt}`);
  let bytes: number;
  try {
    const copied = await copyFolder(source, beside);
    if ((await hashFolder(beside)) !== copied.hash) throw copyDiffers(source, beside);
    bytes = copied.bytes;
    await rename(beside, target);
  } catch (error) {
    await rm(beside, { recursive: true, force: true });
    throw error;
  }
  await syncFolder(dirname(target));
  // In one step, so that half a source is never taken for a whole one.
  const done = `${source}.moved`;
  await rename(source, done);
  await rm(done, { recursive: true, force: true });
  return { bytesRead: 2 * bytes, bytesWritten: bytes };
}

/** Hidden names, so that nobody takes a copy in the making for a product. */
const copyPrefix = (target: string): string => `.${basename(target)}.`;

/** What attempts that ended half-way left beside the target. */
async function removeLeftovers(target: string): Promise<void> {
  for (const name of await readdir(dirname(target))) {
    if (name.startsWith(copyPrefix(target))) await rm(join(dirname(target), name), { recursive: true, force: true });
  }
}

export const copyDiffers = (source: string, copy: string): StepError =>
  new StepError({
    type: 'ToolFailed',
    code: 'CopyDiffers',
    message: `the copy of ${source} at ${copy} does not read back as what was written`,
    remedy: 'look at the disk and the memory of this host; the attempt is redone',
    sideEffects: 'scratch',
  });

export async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return false;
    throw error;
  }
}
