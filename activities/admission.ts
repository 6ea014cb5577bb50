/**
 * Lets a step begin only when what it declares fits on this host beside the steps that run: what each step may take, at most,
 * and the claim around it. Measured figures behind the declarations: docs/explanation/performance.md.
 */
import { stat } from 'node:fs/promises';
import { type AttemptPlace, bytesBelow } from '../src/runner/scratch.ts';
import type { Footprint, HostLedger } from '../src/runner/host-ledger.ts';
import type { HostFileActivities, HostScienceActivities } from './contract.ts';
import type { Supervised } from './supervised.ts';

type Orders = { [Name in keyof HostFileActivities]: Parameters<HostFileActivities[Name]>[0] } & {
  [Name in keyof HostScienceActivities]: Parameters<HostScienceActivities[Name]>[0];
};
type Declared = { [Name in 'stageToScratch' | keyof HostScienceActivities]: (order: Orders[Name]) => Footprint | Promise<Footprint> };

const GIB = 2 ** 30;
/** A Measurement Set holds 1.41 GB of a full group's 2.33 GB of raw files; the rest is allowance for its subtables. */
const SET_PER_RAW_BYTE = 0.7;

export const FOOTPRINTS: Declared = {
  stageToScratch: ({ parameters, members }) =>
    parameters.mode === 'link' ? {} : { scratch: members.reduce((sum, { bytes }) => sum + bytes, 0) },
  concat: async ({ members }) => {
    const sizes = await Promise.all(members.map(async ({ path }) => (await stat(path)).size));
    return { memory: 1.5 * GIB, scratch: SET_PER_RAW_BYTE * sizes.reduce((sum, size) => sum + size, 0) };
  },
  organize: async ({ concat }) => ({ memory: 1 * GIB, published: await bytesBelow(concat.ms) }),
  flag: () => ({ memory: 1.5 * GIB }),
  solve: async ({ place }) => ({ memory: 2 * GIB, scratch: await bytesBelow(place.publishedMs) }),
  calibrate: async ({ place }) => ({ memory: 1.5 * GIB, scratch: await bytesBelow(place.publishedMs) }),
  // A copy of DATA, and the files that WSClean sorts the visibilities into.
  selfCalibrate: async ({ ms }) => ({ memory: 2 * GIB, scratch: 2 * (await bytesBelow(ms)) }),
  // WSClean sorts the visibilities into files of its own.
  image: async ({ ms }) => ({ memory: 2 * GIB, scratch: await bytesBelow(ms) }),
  photometry: () => ({ memory: 0.5 * GIB }),
};

export const admitted =
  <Order extends { attempt: AttemptPlace }, Answer>(
    ledger: HostLedger,
    footprintOf: (order: Order) => Footprint | Promise<Footprint>,
    work: Supervised<Order, Answer>,
  ): Supervised<Order, Answer> =>
  async (order, watch) => {
    const { groupId, step } = order.attempt;
    const giveBack = ledger.claim(`${step} of ${groupId}`, await footprintOf(order));
    try {
      return await work(order, watch);
    } finally {
      giveBack();
    }
  };

type ToMemory = Supervised<Orders['moveToTmpfs'], Awaited<ReturnType<HostFileActivities['moveToTmpfs']>>>;

/** A copy in memory is a gain, not a need: one that does not fit beside the copies being made is not made, and says so. */
export const admittedToMemory =
  (ledger: HostLedger, work: ToMemory): ToMemory =>
  async (order, watch) => {
    const { attempt, ms, parameters } = order;
    const bytes = parameters.enabled ? await bytesBelow(ms) : 0;
    if (bytes > ledger.unclaimedBytes('tmpfs') * parameters.maxFreeFraction) {
      const note = `does not fit into ${parameters.maxFreeFraction * 100} % of the memory file system that other copies leave`;
      return { output: { ms: null, bytes: 0 }, resources: null, bytesRead: 0, bytesWritten: 0, timingsS: null, note };
    }
    const giveBack = ledger.claim(`moveToTmpfs of ${attempt.groupId}`, { tmpfs: bytes });
    try {
      return await work(order, watch);
    } finally {
      giveBack();
    }
  };
