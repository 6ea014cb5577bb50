/**
 * Copies files and folders, taking the SHA-256 of every byte on its way, and hashes what is there. A copy is on disk (its
 * files and folders synced) when the promise resolves; it never overwrites, and never changes its source.
 */
import { createHash, type Hash } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';

const BLOCK_BYTES = 4 << 20;

export interface HashedContent {
  hash: string;
  bytes: number;
}

/** One hash for a folder: names and contents of all its files, in a fixed order. */
export const hashFolder = async (folder: string): Promise<string> => (await throughFolder(folder, null)).hash;

/** A copy of `source` at the free path `target`; the hash is that of the bytes read, as `hashFolder` would give it. */
export const copyFolder = (source: string, target: string): Promise<HashedContent> => throughFolder(source, target);

/** A copy of one file at the free path `target`. */
export async function copyHashed(source: string, target: string): Promise<HashedContent> {
  const hash = createHash('sha256');
  const bytes = await throughFile(source, target, hash);
  return { hash: hash.digest('hex'), bytes };
}

export async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await throughFile(path, null, hash);
  return hash.digest('hex');
}

/** Makes the names in a folder survive a power cut. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function throughFolder(source: string, target: string | null): Promise<HashedContent> {
  const entries = await readdir(source, { recursive: true, withFileTypes: true });
  const odd = entries.find((entry) => !entry.isFile() && !entry.isDirectory());
  if (odd !== undefined)
    throw new Error(`${join(odd.parentPath, odd.name)} is neither a file nor a folder: it cannot be part of a product`);
  const named = entries.map((entry) => ({ name: relative(source, join(entry.parentPath, entry.name)), isFile: entry.isFile() }));
  const folders = ['', ...named.filter(({ isFile }) => !isFile).map(({ name }) => name)].sort();
  const paths = named.filter(({ isFile }) => isFile).map(({ name }) => join(source, name));
  if (target !== null) for (const name of folders) await mkdir(join(target, name));
  const hash = createHash('sha256');
  let bytes = 0;
  for (const path of paths.sort()) {
    const name = relative(source, path);
    const { size } = await stat(path);
    hash.update(`${name}\0${size}\0`);
    const seen = await throughFile(path, target === null ? null : join(target, name), hash);
    if (seen !== size) throw new Error(`${path} changed while it was read: ${size} bytes became ${seen}`);
    bytes += seen;
  }
  if (target !== null) for (const name of folders.toReversed()) await syncFolder(join(target, name));
  return { hash: hash.digest('hex'), bytes };
}

async function throughFile(source: string, target: string | null, hash: Hash): Promise<number> {
  await using from = await open(source, 'r');
  await using to = target === null ? null : await open(target, 'wx');
  const block = Buffer.allocUnsafe(BLOCK_BYTES);
  let bytes = 0;
  for (;;) {
    const { bytesRead } = await from.read(block, 0, block.length, bytes);
    if (bytesRead === 0) break;
    hash.update(block.subarray(0, bytesRead));
    if (to !== null) await writeWhole(to, block.subarray(0, bytesRead), bytes);
    bytes += bytesRead;
  }
  await to?.sync();
  return bytes;
}

async function writeWhole(to: FileHandle, block: Buffer, position: number): Promise<void> {
  for (let written = 0; written < block.length; ) {
    written += (await to.write(block, written, block.length - written, position + written)).bytesWritten;
  }
}
