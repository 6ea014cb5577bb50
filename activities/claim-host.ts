/**
 * `claimHost`: whoever polls `pipeline` first and has room answers with its own queues; the rest of the group runs there.
 * Below the free-space floor nothing is claimed, and the group waits.
 */
import { StepError } from '../src/domain/failure.ts';
import { hostQueue, hostScienceQueue } from '../src/domain/observation-group.ts';
import type { StepOutputs } from '../src/domain/step-output.ts';
import { freeBytes } from '../src/runner/scratch.ts';
import type { HostDependencies } from './dependencies.ts';

export const claimHost =
  ({ settings, hostName }: HostDependencies) =>
  async (): Promise<StepOutputs['claimHost']> => {
    const freeGb = (await freeBytes(settings.paths.output)) / 1e9;
    if (freeGb < settings.disk.pauseGb) {
      throw new StepError({
        type: 'NoSpace',
        code: 'OutputNearlyFull',
        message: `${freeGb.toFixed(1)} GB free on ${settings.paths.output}, new groups start above ${settings.disk.pauseGb} GB`,
        remedy: 'free space there; waiting groups go on by themselves',
        sideEffects: 'none',
      });
    }
    return { host: hostName, hostQueue: hostQueue(hostName), scienceQueue: hostScienceQueue(hostName) };
  };
