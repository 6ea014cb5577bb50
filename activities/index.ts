/** Assembles the activities a worker serves, by queue. */
import type { Client } from '@temporalio/client';
import type { HostLedger } from '../src/runner/host-ledger.ts';
import type { HostFileActivities, HostScienceActivities, ProbeActivities } from './contract.ts';
import { admitted, admittedToMemory, FOOTPRINTS } from './admission.ts';
import { broadcastCalibration } from './broadcast-calibration.ts';
import { claimHost } from './claim-host.ts';
import type { HostDependencies } from './dependencies.ts';
import { fileFailure } from './failed-folder.ts';
import { image } from './image.ts';
import { moveToTmpfs } from './move-to-tmpfs.ts';
import { organize } from './organize.ts';
import { photometry } from './photometry.ts';
import { release } from './release.ts';
import { reopen } from './reopen.ts';
import { calibrate, concat, flag } from './science-steps.ts';
import { selfCalibrate } from './self-calibrate.ts';
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

/** Queue `host-<name>`. `ledger`: what the running steps of this host have claimed, shared with its science queue. */
export function createHostFileActivities(dependencies: HostDependencies, ledger: HostLedger): HostFileActivities {
  return {
    stageToScratch: supervised(admitted(ledger, FOOTPRINTS.stageToScratch, stageToScratch(dependencies))),
    moveToTmpfs: supervised(admittedToMemory(ledger, moveToTmpfs(dependencies))),
    fileFailure: supervised(fileFailure(dependencies)),
    reopen: supervised(reopen(dependencies)),
    release: supervised(release(dependencies)),
  };
}

/** Queue `host-<name>-science`. */
export function createHostScienceActivities(dependencies: HostDependencies, ledger: HostLedger): HostScienceActivities {
  return {
    concat: supervised(admitted(ledger, FOOTPRINTS.concat, concat(dependencies))),
    organize: supervised(admitted(ledger, FOOTPRINTS.organize, organize(dependencies))),
    flag: supervised(admitted(ledger, FOOTPRINTS.flag, flag(dependencies))),
    solve: supervised(admitted(ledger, FOOTPRINTS.solve, solve(dependencies))),
    calibrate: supervised(admitted(ledger, FOOTPRINTS.calibrate, calibrate(dependencies))),
    selfCalibrate: supervised(admitted(ledger, FOOTPRINTS.selfCalibrate, selfCalibrate(dependencies))),
    image: supervised(admitted(ledger, FOOTPRINTS.image, image(dependencies))),
    photometry: supervised(admitted(ledger, FOOTPRINTS.photometry, photometry(dependencies))),
  };
}
