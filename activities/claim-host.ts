/**
 * `claimHost`: whoever polls `pipeline` first and has room answers with its own queues; the rest of the group runs there.
 * Below the free-space floor nothing is claimed and the group waits, until there is clearly more than the floor again.
 */
import { StepError } from '../src/domain/failure.ts';
import { hostQueue, hostScienceQueue } from '../src/domain/observation-group.ts';
import type { StepOutputs } from '../src/domain/step-output.ts';
import { createDiskGate } from '../src/runner/disk-gate.ts';
import { freeBytes } from '../src/runner/scratch.ts';
import type { HostDependencies } from './dependencies.ts';

export const claimHost = ({ settings, hostName }: HostDependencies): (() => Promise<StepOutputs['claimHost']>) => {
  const judge = createDiskGate(settings.disk);
  return async () => {
    const freeGb = (await freeBytes(settings.paths.output)) / 1e9;
    const verdict = judge(freeGb);
    if (!verdict.open) {
      throw new StepError({
        type: 'NoSpace',
        code: 'OutputNearlyFull',
        message: `${verdict.neededGb} GB free in ${settings.paths.output} before a new group starts, ${freeGb.toFixed(1)} GB are free`,
        remedy: 'free space there; waiting groups go on by themselves',
        sideEffects: 'none',
      });
    }
    return { host: hostName, hostQueue: hostQueue(hostName), scienceQueue: hostScienceQueue(hostName) };
  };
};
