/**
 * Files under a name that says "not finished": `…_incomplete.hdf5` and copies in progress. Their inodes tell a rename into a
 * final name; one of the first kind that nothing was written to for long is the last file of a stopped correlator. That is
 * shown and decides nothing, so that here, and only here, a file's time may be held against our own clock.
 */
import type { BigIntStats } from 'node:fs';

const LEFT_AFTER_MS = 15 * 60_000;
/** More than a run leaves behind: one group of files. */
const MOST_SHOWN = 16;

interface Unfinished {
  path: string;
  writtenByCorrelator: boolean;
  mtimeMs: number;
  /** The last scan it was met in. */
  scan: number;
}

export class UnfinishedFiles {
  private readonly byInode = new Map<string, Unfinished>();
  private scan = 0;

  beginScan(): void {
    this.scan += 1;
  }

  see(path: string, kind: 'incomplete' | 'copy-in-progress', stat: BigIntStats): void {
    const mtimeMs = Number(stat.mtimeNs) / 1e6;
    this.byInode.set(String(stat.ino), { path, writtenByCorrelator: kind === 'incomplete', mtimeMs, scan: this.scan });
  }

  has(inode: string): boolean {
    return this.byInode.has(inode);
  }

  forget(inode: string): void {
    this.byInode.delete(inode);
  }

  /** After a scan that saw the whole tree. */
  forgetUnmet(): void {
    for (const [inode, { scan }] of this.byInode) if (scan !== this.scan) this.byInode.delete(inode);
  }

  /** Last files of a run, oldest first: never renamed, not written to for 15 minutes. */
  leftOver(nowMs: number): string[] {
    const left = [...this.byInode.values()].filter((file) => file.writtenByCorrelator && nowMs - file.mtimeMs > LEFT_AFTER_MS);
    return left
      .sort((a, b) => a.mtimeMs - b.mtimeMs)
      .slice(0, MOST_SHOWN)
      .map((file) => file.path);
  }
}
