/**
 * Walks the input tree and hands out one path at a time: directories are streamed, never listed whole, and links to
 * directories are not followed. A folder that cannot be read is reported and the walk goes on; such a scan is incomplete, so
 * that nobody takes the files in it for gone.
 */
import { opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { judgeName } from '../domain/subband.ts';
import { systemErrorCode } from '../domain/system-error.ts';

export async function* pathsBelow(directory: string, onUnreadable: (folder: string, error: unknown) => void): AsyncGenerator<string> {
  const folders: string[] = [];
  try {
    for await (const entry of await opendir(directory)) {
      const path = join(directory, entry.name);
      // A folder under a file's name is handed out too: it is refused like anything else that is no file.
      if (!entry.isDirectory() || judgeName(entry.name).kind === 'candidate') yield path;
      if (entry.isDirectory() && !entry.name.startsWith('.')) folders.push(path);
    }
  } catch (error) {
    onUnreadable(directory, error);
  }
  for (const folder of folders) yield* pathsBelow(folder, onUnreadable);
}

/** What Node puts for bytes of a name that are not UTF-8; such a folder cannot be named. */
const NO_UTF8 = '\u{fffd}';

/** Why a folder hides what it holds; null for one that vanished while the walk was on and holds nothing. */
export function whyUnreadable(folder: string, error: unknown): string | null {
  if (folder.includes(NO_UTF8)) return 'its name is not UTF-8, so that what it holds cannot be opened; rename it';
  if (systemErrorCode(error) === 'ENOENT') return null;
  return error instanceof Error ? error.message : String(error);
}
