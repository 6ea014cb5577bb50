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
  /** Ended, not yet collected by its parent: uses nothing and cannot be killed again. */
  isZombie: boolean;
  cpuS: number;
  rssBytes: number;
}

export function membersOf(pgid: number): ProcessEntry[] {
  const members: ProcessEntry[] = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = readStat(`/proc/${name}/stat`);
    // Fields after the command's closing bracket; numbers from proc(5), less the two before it.
    const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ') ?? [];
    if (Number(fields[2]) !== pgid) continue;
    const ticks = Number(fields[11]) + Number(fields[12]);
    members.push({
      pid: Number(name),
      isZombie: fields[0] === 'Z',
      cpuS: ticks / CLOCK_TICKS_PER_S,
      rssBytes: Number(fields[21]) * PAGE_BYTES,
    });
  }
  return members;
}

/** When the process started, in clock ticks after boot: tells a process from a later one with the same id. */
export function startTicksOf(pid: number): number | null {
  const stat = readStat(`/proc/${pid}/stat`);
  return stat === null ? null : Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
}

function readStat(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes(systemErrorCode(error) ?? '')) return null; // it just ended
    throw error;
  }
}
