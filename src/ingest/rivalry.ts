/**
 * Which of several files of one subband is its member. The newest by its own modification time decides the content; of equal
 * copies the one that already is the member stays, else the one seen first. Pure: the order in which files were seen decides
 * between equal copies only.
 */
import type { FileStatus } from '../catalog/subband-files.ts';

export interface Rival {
  id: number;
  path: string;
  status: FileStatus;
  bytes: number;
  mtime_ms: number;
  header_digest: string | null;
}

export interface RivalVerdict {
  path: string;
  status: 'valid' | 'duplicate' | 'superseded';
  reason: string | null;
}

/** Those of the rivals that take part; a file that was refused or is gone does not. */
const takesPart = ({ status }: Rival): boolean => status === 'valid' || status === 'duplicate' || status === 'superseded';
const sameContent = (a: Rival, b: Rival): boolean => a.header_digest === b.header_digest && a.bytes === b.bytes;

/** What changes, nothing for the files whose status is right already. `seenNow` was just read and is valid so far. */
export function judgeRivals(files: readonly Rival[], seenNow: string): RivalVerdict[] {
  const rivals = files.filter(takesPart);
  const [newest] = rivals.toSorted((a, b) => b.mtime_ms - a.mtime_ms || (a.path < b.path ? 1 : -1));
  if (newest === undefined) return [];
  const copies = rivals.filter((rival) => sameContent(rival, newest)).sort((a, b) => a.id - b.id);
  const holder = copies.find(({ status, path }) => status === 'valid' && path !== seenNow) ?? copies[0] ?? newest;
  return rivals
    .map((rival): RivalVerdict & { before: FileStatus } => {
      const { path, status: before } = rival;
      if (rival === holder) return { path, before, status: 'valid', reason: null };
      if (sameContent(rival, holder)) return { path, before, status: 'duplicate', reason: `the same content as ${holder.path}` };
      return { path, before, status: 'superseded', reason: `rival: a newer file for the same subband is ${newest.path}` };
    })
    .filter(({ status, before }) => status !== before)
    .map(({ path, status, reason }) => ({ path, status, reason }));
}
