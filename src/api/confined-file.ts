/**
 * Opens a file named by a database row for sending, only if it really lies (symbolic links followed) inside a storage
 * location: a row, or a link planted beside a product, must never hand out another file of this machine.
 */
import { type FileHandle, open, realpath } from 'node:fs/promises';
import { sep } from 'node:path';
import { ApiProblem } from './problem.ts';
import { systemErrorCode } from '../domain/system-error.ts';

export interface ConfinedFile {
  handle: FileHandle;
  bytes: number;
  /** Changes with the content: products are replaced, never edited. */
  tag: string;
}

export async function openConfined(path: string, roots: readonly string[]): Promise<ConfinedFile> {
  const real = await existing(path, () => realpath(path));
  const realRoots = await Promise.all(roots.map(async (root) => realpath(root).catch(absentIsNull)));
  if (!realRoots.some((root) => root !== null && real.startsWith(`${root}${sep}`))) {
    throw new ApiProblem('path_outside_roots', 'the file of this product lies outside the storage locations');
  }
  const handle = await existing(path, () => open(real, 'r'));
  const facts = await handle.stat();
  if (!facts.isFile()) {
    await handle.close();
    throw new ApiProblem('product_deleted', 'the product is not a file');
  }
  return {
    handle,
    bytes: facts.size,
    tag: `"${facts.size.toString(36)}-${Math.round(facts.mtimeMs).toString(36)}-${facts.ino.toString(36)}"`,
  };
}

async function existing<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    absentIsNull(error);
    throw new ApiProblem('product_deleted', `the file of this product is gone (${path.split(sep).at(-1)})`);
  }
}

/** A storage location that does not exist (yet) holds nothing. */
function absentIsNull(error: unknown): null {
  if (['ENOENT', 'ENOTDIR'].includes(systemErrorCode(error) ?? '')) return null;
  throw error;
}
