/** Says so when the steps that may run at once would ask for more threads than there are cores. */
import { availableParallelism } from 'node:os';
import type { Settings } from '../config/settings.ts';

export function slotWarning({ worker }: Pick<Settings, 'worker'>, cores = availableParallelism()): string | null {
  const threads = worker.slots * worker.ompThreads;
  if (threads <= cores) return null;
  return `${worker.slots} steps at once × ${worker.ompThreads} threads is more than the ${cores} cores of this machine`;
}
