/**
 * Walks the input tree and hands out one path at a time: directories are streamed, never listed whole, and links to
 * directories are not followed. A folder that cannot be read is reported and the walk goes on; such a scan is incomplete, so
 * that nobody takes the files in it for gone.
 */
import { opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemErrorCode } from '../domain/system-error.ts';

export async function* pathsBelow(directory: string, onUnreadable: (folder: string, error: unknown) => void): AsyncGenerator<string> {
  const folders: string[] = [];
  try {
    for await (const entry of await opendir(directory)) {
      const path = join(directory, entry.name);
      if (!entry.isDirectory()) yield path;
      else if (!entry.name.startsWith('.')) folders.push(path);
    }
  } catch (error) {
    onUnreadable(directory, error);
  }
  for (const folder of folders) yield* pathsBelow(folder, onUnreadable);
}

/** A folder that vanished while the walk was on holds nothing; any other error hides what it holds. */
export const isVanished = (error: unknown): boolean => systemErrorCode(error) === 'ENOENT';
