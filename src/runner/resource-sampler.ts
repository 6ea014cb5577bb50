/**
 * What a process group uses, read from /proc: the sum of resident memory of all its members (peak over the samples) and
 * their CPU time. Members that came and went between two samples are missed; the program's own report fills that in.
 */
import { readFileSync, readdirSync } from 'node:fs';

/** Linux reports CPU time in hundredths of a second to every program (sysconf(_SC_CLK_TCK) is 100). */
const CLOCK_TICKS_PER_S = 100;
const PAGE_BYTES = 4096;

export interface GroupUse {
  cpuS: number;
  rssBytes: number;
}

export class ResourceSampler {
  peakRssBytes = 0;
  private readonly pgid: number;
  private readonly cpuByPid = new Map<number, number>();

  constructor(pgid: number) {
    this.pgid = pgid;
  }

  sample(): GroupUse {
    let rssBytes = 0;
    for (const member of membersOf(this.pgid)) {
      rssBytes += member.rssBytes;
      this.cpuByPid.set(member.pid, Math.max(member.cpuS, this.cpuByPid.get(member.pid) ?? 0));
    }
    this.peakRssBytes = Math.max(this.peakRssBytes, rssBytes);
    return { cpuS: this.cpuS(), rssBytes };
  }

  cpuS(): number {
    let total = 0;
    for (const cpuS of this.cpuByPid.values()) total += cpuS;
    return total;
  }
}

function membersOf(pgid: number): { pid: number; cpuS: number; rssBytes: number }[] {
  const members = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = readStat(`/proc/${name}/stat`);
    // Fields after the command's closing bracket; numbers from proc(5), less the two before it.
    const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ') ?? [];
    if (Number(fields[2]) !== pgid) continue;
    const ticks = Number(fields[11]) + Number(fields[12]);
    members.push({ pid: Number(name), cpuS: ticks / CLOCK_TICKS_PER_S, rssBytes: Number(fields[21]) * PAGE_BYTES });
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
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH')) return null; // it just ended
    throw error;
  }
}
