/**
 * Step `release`: gives back the scratch and memory of one run of a group, but for the capsules of attempts that failed, which
 * stay for capsule.keep_h. Removing what is gone already is no error.
 */
import type { Measured, StepOutputs } from '../src/domain/step-output.ts';
import { releaseRun, releaseRunButCapsules } from '../src/runner/scratch.ts';
import type { HostFileActivities } from './contract.ts';
import type { HostDependencies } from './dependencies.ts';
import { tmpfsRoot } from './move-to-tmpfs.ts';
import type { Supervised } from './supervised.ts';

type Order = Parameters<HostFileActivities['release']>[0];

export const release =
  ({ settings }: HostDependencies): Supervised<Order, Measured<StepOutputs['release']>> =>
  async ({ attempt, keepScratch }) => {
    const memory = tmpfsRoot(settings.paths.tmpfs);
    let freedBytes = await releaseRun(memory, attempt);
    const keeps = keepScratch || !settings.scratch.cleanup;
    if (!keeps) freedBytes += await releaseRunButCapsules(settings.paths.scratch, attempt);
    return {
      output: { freedBytes },
      resources: null,
      bytesRead: null,
      bytesWritten: null,
      timingsS: null,
      note: keeps ? 'scratch is kept' : null,
    };
  };
