/**
 * The resource trace of one attempt (`--profile`): a CSV line so many times a second with the CPU time, memory and storage
 * traffic of its whole process group since its start. Kept under state/profiles after the attempt's scratch is gone.
 */
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { membersOf, storageBytesOf } from './process-table.ts';

export interface TraceOrder {
  path: string;
  hz: number;
}

/** `state/profiles/<group>/<run>/<step>-<attempt>.csv`: named by what an attempt row is known by. */
export const tracePath = (stateFolder: string, attempt: { groupId: string; runId: string; step: string; attempt: number }): string =>
  join(stateFolder, 'profiles', attempt.groupId, attempt.runId, `${attempt.step}-${attempt.attempt}.csv`);

interface Totals {
  cpuS: number;
  readBytes: number;
  writtenBytes: number;
}

const sumOf = (all: readonly Totals[], of: (totals: Totals) => number): number => all.reduce((sum, totals) => sum + of(totals), 0);

/** Answers what ends it. */
export function startTrace({ path, hz }: TraceOrder, pgid: number): () => void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, 'elapsed_s,cpu_s,rss_bytes,read_bytes,written_bytes\n');
  const startedMs = performance.now();
  // Totals of members that have ended stay as they were last seen.
  const byPid = new Map<number, Totals>();
  const sample = (): void => {
    let rssBytes = 0;
    for (const { pid, cpuS, rssBytes: resident } of membersOf(pgid)) {
      rssBytes += resident;
      byPid.set(pid, { cpuS, ...(storageBytesOf(pid) ?? { readBytes: 0, writtenBytes: 0 }) });
    }
    const seen = [...byPid.values()];
    const elapsedS = (performance.now() - startedMs) / 1000;
    const line = [
      elapsedS.toFixed(3),
      sumOf(seen, ({ cpuS }) => cpuS).toFixed(2),
      rssBytes,
      sumOf(seen, ({ readBytes }) => readBytes),
      sumOf(seen, ({ writtenBytes }) => writtenBytes),
    ];
    appendFileSync(path, `${line.join(',')}\n`);
  };
  sample();
  const timer = setInterval(sample, 1000 / hz);
  return () => clearInterval(timer);
}
