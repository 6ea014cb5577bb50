/**
 * File events of the input directory. They only make a look happen sooner: a full scan finds everything without them. Where
 * they cannot work (network file system, watch limit of the kernel) this says so once and the caller scans more often.
 */
import { statfs } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { watch, type FSWatcher } from 'chokidar';
import { z } from 'zod';
import { remoteFileSystemOf } from '../domain/remote-file-system.ts';
import { judgeName } from '../domain/subband.ts';
import { pathsBelow } from './directory-scan.ts';

export interface FileEvents {
  close(): Promise<void>;
}

export const remoteFileSystem = async (directory: string): Promise<string | null> => remoteFileSystemOf((await statfs(directory)).type);

/**
 * Resolves once the watch stands. `onLost` is called at most once, when events can no longer be relied on.
 * chokidar lists a folder again whenever a name appears in it, and remembers every file: with a month of raw files there, that
 * is most of its time and memory. So it is given the folders alone to keep, and files are heard of as the kernel tells.
 */
export function watchEvents(directory: string, onPath: (path: string) => void, onLost: (reason: string) => void): Promise<FileEvents> {
  const root = resolve(directory);
  return new Promise((resolveWatch) => {
    const watcher: FSWatcher = watch(root, {
      ignoreInitial: true,
      followSymlinks: false,
      atomic: false,
      ignorePermissionErrors: true,
      backend: 'native',
      ignored: (path, stats) => path !== root && (isFileName(basename(path)) || stats?.isDirectory() === false),
    });
    let lost = false;
    watcher.on('raw', (_event, name, details) => {
      const told = nativeDetails.safeParse(details);
      if (name !== null && told.success) onPath(join(told.data.watchedPath, name));
    });
    // What lay in a folder before it was watched made no event.
    watcher.on('addDir', (folder) => void hearBelow(folder, onPath));
    watcher.on('error', (error) => {
      if (!lost) onLost(error instanceof Error ? error.message : String(error));
      lost = true;
      resolveWatch(watcher);
    });
    watcher.on('ready', () => resolveWatch(watcher));
  });
}

const nativeDetails = z.object({ watchedPath: z.string() });

/** Names that no folder of raw files has. */
const isFileName = (name: string): boolean => name.startsWith('.') || judgeName(name).kind !== 'foreign';

/** A folder that cannot be read is left to the scan, which says so. */
async function hearBelow(folder: string, onPath: (path: string) => void): Promise<void> {
  for await (const path of pathsBelow(folder, () => undefined)) onPath(path);
}
