/** Assembles the activities a worker serves, by queue. */
import type { Client } from '@temporalio/client';
import type { HostFileActivities, HostScienceActivities, ProbeActivities } from './contract.ts';
import { broadcastCalibration } from './broadcast-calibration.ts';
import { claimHost } from './claim-host.ts';
import type { HostDependencies } from './dependencies.ts';
import { image } from './image.ts';
import { moveToTmpfs } from './move-to-tmpfs.ts';
import { organize } from './organize.ts';
import { photometry } from './photometry.ts';
import { release } from './release.ts';
import { calibrate, concat, flag } from './science-steps.ts';
import { solve } from './solve.ts';
import { stageToScratch } from './stage-to-scratch.ts';
import { asApplicationFailure, supervised } from './supervised.ts';

export type { HostDependencies } from './dependencies.ts';

/** Queue `pipeline`. */
export function createProbeActivities(dependencies: HostDependencies, client: Client): ProbeActivities {
  const claim = claimHost(dependencies);
  return {
    claimHost: async () => {
      try {
        return await claim();
      } catch (error) {
        throw asApplicationFailure(error);
      }
    },
    broadcastCalibration: broadcastCalibration(client),
  };
}

/** Queue `host-<name>`. */
export function createHostFileActivities(dependencies: HostDependencies): HostFileActivities {
  return {
    stageToScratch: supervised(stageToScratch(dependencies)),
    moveToTmpfs: supervised(moveToTmpfs(dependencies)),
    release: supervised(release(dependencies)),
  };
}

/** Queue `host-<name>-science`. */
export function createHostScienceActivities(dependencies: HostDependencies): HostScienceActivities {
  return {
    concat: supervised(concat(dependencies)),
    organize: supervised(organize(dependencies)),
    flag: supervised(flag(dependencies)),
    solve: supervised(solve(dependencies)),
    calibrate: supervised(calibrate(dependencies)),
    image: supervised(image(dependencies)),
    photometry: supervised(photometry(dependencies)),
  };
}
