/**
 * What /proc says about processes: the members of a process group, what they use, and when a process started.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { systemErrorCode } from '../domain/system-error.ts';

/** Linux reports CPU time in hundredths of a second to every program (sysconf(_SC_CLK_TCK) is 100). */
const CLOCK_TICKS_PER_S = 100;
const PAGE_BYTES = 4096;

export interface ProcessEntry {
  pid: number;
  parentPid: number;
  /** Ended, not yet collected by its parent: uses nothing and cannot be killed again. */
  isZombie: boolean;
  cpuS: number;
  /** Of children that ended and were waited for. */
  endedChildrenCpuS: number;
  rssBytes: number;
}

export const membersOf = (pgid: number): ProcessEntry[] => processes().filter((entry) => entry.pgid === pgid);

/** The process and everything below it, however deep. */
export function descendantsOf(pid: number): ProcessEntry[] {
  const all = processes();
  const tree = all.filter((entry) => entry.pid === pid);
  for (const parent of tree) tree.push(...all.filter((entry) => entry.parentPid === parent.pid));
  return tree;
}

/** Bytes a process has had read from and written to storage; null when they may not be seen. */
export function storageBytesOf(pid: number): { readBytes: number; writtenBytes: number } | null {
  const text = readOrNull(`/proc/${pid}/io`);
  if (text === null) return null;
  const figure = (name: string): number => Number(new RegExp(`^${name}: (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
  return { readBytes: figure('read_bytes'), writtenBytes: figure('write_bytes') };
}

function processes(): (ProcessEntry & { pgid: number })[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    const stat = readOrNull(`/proc/${name}/stat`);
    if (stat === null) return [];
    // Fields after the command's closing bracket; numbers from proc(5), less the two before it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const seconds = (first: number): number => (Number(fields[first]) + Number(fields[first + 1])) / CLOCK_TICKS_PER_S;
    return {
      pid: Number(name),
      parentPid: Number(fields[1]),
      pgid: Number(fields[2]),
      isZombie: fields[0] === 'Z',
      cpuS: seconds(11),
      endedChildrenCpuS: seconds(13),
      rssBytes: Number(fields[21]) * PAGE_BYTES,
    };
  });
}

/** When the process started, in clock ticks after boot: tells a process from a later one with the same id. */
export function startTicksOf(pid: number): number | null {
  const stat = readOrNull(`/proc/${pid}/stat`);
  return stat === null ? null : Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
}

function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES'].includes(systemErrorCode(error) ?? '')) return null; // it just ended, or is another user's
    throw error;
  }
}
