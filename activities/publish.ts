/**
 * Puts a finished folder at its published place, by rename: readers see nothing or all of it. A published path is never
 * overwritten: the same content again is a no-op, other content becomes the next version (`NAME.v2`).
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { cp, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { systemErrorCode } from '../src/domain/system-error.ts';

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
}): Promise<{ path: string; alreadyThere: boolean }> {
  for (let version = 1; ; version += 1) {
    const path = versionedPath(order.folder, order.name, order.extension, version);
    if (!(await exists(path))) {
      await moveInto(order.source, path);
      return { path, alreadyThere: false };
    }
    if ((await hashFolder(path)) === order.contentHash) return { path, alreadyThere: true };
  }
}

/** Rename where it is one file system; else copy beside the target, compare, and rename there. */
export async function moveInto(source: string, target: string): Promise<void> {
  const folder = dirname(target);
  await mkdir(folder, { recursive: true });
  try {
    await rename(source, target);
  } catch (error) {
    if (systemErrorCode(error) !== 'EXDEV') throw error;
    await moveAcrossFileSystems(source, target);
  }
  await syncFolder(folder);
}

async function moveAcrossFileSystems(source: string, target: string): Promise<void> {
  const beside = join(dirname(target), `.${basename(target)}.${process.pid}`);
  await rm(beside, { recursive: true, force: true });
  await cp(source, beside, { recursive: true });
  const [before, after] = [await hashFolder(source), await hashFolder(beside)];
  if (before !== after) throw new Error(`the copy of ${source} at ${beside} differs from its source: ${before} became ${after}`);
  await rename(beside, target);
  await rm(source, { recursive: true, force: true });
}

/** One hash for a folder: names and contents of all its files, in a fixed order. */
export async function hashFolder(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const hash = createHash('sha256');
  for (const path of paths.sort()) {
    hash.update(`${relative(folder, path)}\0${(await stat(path)).size}\0`);
    await pipeline(createReadStream(path), async (chunks) => {
      for await (const chunk of chunks) hash.update(chunk);
    });
  }
  return hash.digest('hex');
}

/** Makes the rename itself survive a power cut. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return false;
    throw error;
  }
}
