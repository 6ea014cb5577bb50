/** How the demo differs from the defaults: folders below `.demo/`, free ports, a short patience, all steps switched on. */
import { join } from 'node:path';
import { freePort } from '../../src/temporal/free-port.ts';

export interface DemoPorts {
  api: number;
  ui: number;
  temporal: number;
  health: number;
}

export async function demoPorts(): Promise<DemoPorts> {
  const taken = new Set<number>();
  while (taken.size < 4) taken.add(await freePort());
  const [api = 0, ui = 0, temporal = 0, health = 0] = taken;
  return { api, ui, temporal, health };
}

export const demoConfiguration = (folder: string, ports: DemoPorts): object => ({
  paths: {
    input: join(folder, 'incoming'),
    output: join(folder, 'products'),
    state: join(folder, 'state'),
    catalogue: join(folder, 'truth', 'catalogue.csv'),
  },
  // A late subband is waited for this long, then the group is converted without it and upgraded when it comes.
  collecting: { deadline_s: 20, recheck_s: 5 },
  watch: { rescan_s: 15, admission_s: 10 },
  policy: { solve: true, photometry: true },
  // Two small groups side by side use two cores better than one group with two threads.
  worker: { omp_threads: 1, slots: 2, grace_s: 10 },
  disk: { pause_gb: 2, resume_gb: 3 },
  api: { port: ports.api, anonymous_read: 'loopback' },
  temporal: { port: ports.temporal, ui_port: ports.ui },
  health: { port: ports.health },
});

/** Group 2 gets one subband late, group 6 a corrupt one; one of the twelve sources doubles on the second day. */
export const SIMULATION_FLAGS = [
  '--out',
  'incoming',
  '--truth',
  'truth',
  '--groups',
  '3',
  '--days',
  '2',
  '--sources',
  '12',
  '--doubling',
  '1',
  '--rate',
  '30',
  '--fault',
  'late=2:7:40',
  '--fault',
  'corrupt=6:3',
]; // prettier-ignore
