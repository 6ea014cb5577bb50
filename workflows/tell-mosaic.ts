/**
 * The word of a finished group to the mosaic of its hour. When it does not get through, the hourly sweep finds the group: no group
 * fails for a mosaic.
 */
import { isCancellation, log, proxyActivities } from '@temporalio/workflow';
import type { GroupKey } from '../src/domain/arrival.ts';
import type { MosaicProbeActivities } from '../src/domain/mosaic-record.ts';
import { jdToMjd } from '../src/domain/utc.ts';
import { probeOptions } from './activity-options.ts';
import { type GroupMemory, pointingDecDeg } from './group-memory.ts';

const SECONDS_PER_DAY = 86_400;

export async function tellMosaic(group: GroupMemory): Promise<void> {
  const { input, state, outputs, lane } = group;
  if (!input.policy.steps.mosaic || state !== 'completed' || outputs.image === undefined) return;
  const { groupId, key } = input;
  try {
    const mosaics = proxyActivities<MosaicProbeActivities>(probeOptions(lane));
    await mosaics.tellMosaic({ groupId, decDeg: pointingDecDeg(group), midMjd: middleMjd(key) });
  } catch (caught) {
    if (isCancellation(caught)) throw caught;
    log.warn('the mosaic of its hour was not told of this group; the next sweep finds it', { groupId, error: String(caught) });
  }
}

/** As the product database has it, too: from the header alone. */
const middleMjd = ({ t0Jd, integrationS, integrations }: GroupKey): number =>
  jdToMjd(t0Jd) + ((integrations - 1) * integrationS) / 2 / SECONDS_PER_DAY;
