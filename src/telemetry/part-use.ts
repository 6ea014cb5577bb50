/** CPU time and memory of the parts of the pipeline, each with its science processes, between two looks at /proc. */
import { descendantsOf } from '../runner/process-table.ts';
import type { PartView } from './health.ts';

export interface PartUse {
  name: string;
  /** Of one core, since the look before; null at the first look at this process. */
  cpuPercent: number | null;
  rssBytes: number;
}

export class PartUses {
  readonly #parts: readonly PartView[];
  #before = new Map<number, { cpuS: number; atMs: number }>();

  constructor(parts: readonly PartView[]) {
    this.#parts = parts;
  }

  look(monotonicMs: number): PartUse[] {
    const seen = new Map<number, { cpuS: number; atMs: number }>();
    const uses = this.#parts.flatMap((part) => {
      const pid = part.pid();
      if (pid === null) return [];
      const processes = descendantsOf(pid);
      // Time of children that have ended counts with the parent that waited for them.
      const cpuS = processes.reduce((sum, one) => sum + one.cpuS + one.endedChildrenCpuS, 0);
      const rssBytes = processes.reduce((sum, one) => sum + one.rssBytes, 0);
      seen.set(pid, { cpuS, atMs: monotonicMs });
      const before = this.#before.get(pid);
      const cpuPercent = before === undefined ? null : Math.max(0, (100 * (cpuS - before.cpuS)) / ((monotonicMs - before.atMs) / 1000));
      return [{ name: part.name, cpuPercent, rssBytes }];
    });
    this.#before = seen;
    return uses;
  }
}
