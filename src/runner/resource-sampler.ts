/**
 * What a process group uses, read from /proc: the sum of resident memory of all its members (peak over the samples) and
 * their CPU time. Members that came and went between two samples are missed; the program's own report fills that in.
 */
import { membersOf } from './process-table.ts';

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
