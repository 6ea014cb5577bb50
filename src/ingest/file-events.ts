/**
 * File events of the input directory. They only make a look happen sooner: a full scan finds everything without them. Where
 * they cannot work (network file system, watch limit of the kernel) this says so once and the caller scans more often.
 */
import { statfs } from 'node:fs/promises';
import { watch, type FSWatcher } from 'chokidar';

/** Magic numbers of statfs(2) for file systems on which changes made elsewhere give no event. */
const REMOTE_FILE_SYSTEMS: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB'],
  [0x517b, 'SMB'],
  [0x65735546, 'FUSE'],
  [0x0bd00bd0, 'Lustre'],
  [0x00c36400, 'Ceph'],
  [0x47504653, 'GPFS'],
  [0x19830326, 'BeeGFS'],
  [0x01021997, '9p'],
  [0x5346414f, 'AFS'],
  [0x7461636f, 'OCFS2'],
  [0x01161970, 'GFS2'],
  [0xaad7aaea, 'PanFS'],
]);

export interface FileEvents {
  close(): Promise<void>;
}

/** Of a `statfs` type; numbers above 2³¹ may come signed. */
export const fileSystemWithoutEvents = (type: number): string | null => REMOTE_FILE_SYSTEMS.get(type >>> 0) ?? null;

export const remoteFileSystem = async (directory: string): Promise<string | null> =>
  fileSystemWithoutEvents((await statfs(directory)).type);

/** Resolves once the watch stands. `onLost` is called at most once, when events can no longer be relied on. */
export function watchEvents(directory: string, onPath: (path: string) => void, onLost: (reason: string) => void): Promise<FileEvents> {
  return new Promise((resolve) => {
    const watcher: FSWatcher = watch(directory, {
      ignoreInitial: true,
      followSymlinks: false,
      atomic: false,
      ignorePermissionErrors: true,
      backend: 'native',
    });
    let lost = false;
    for (const event of ['add', 'change', 'unlink'] as const) watcher.on(event, onPath);
    watcher.on('error', (error) => {
      if (!lost) onLost(error instanceof Error ? error.message : String(error));
      lost = true;
      resolve(watcher);
    });
    watcher.on('ready', () => resolve(watcher));
  });
}
