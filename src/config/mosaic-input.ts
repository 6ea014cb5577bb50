/** From settings to what the workflow of an hour's mosaic is given, once and for all. */
import type { MosaicInput, StripHour } from '../domain/mosaic.ts';
import { groupPolicyOf } from './group-policy.ts';
import type { Settings } from './settings.ts';

const MINUTES_PER_DAY = 1440;
/** A group that began one and a half cadences later still overlaps; what lies beyond a gap does not. */
const CADENCES_A_NEIGHBOUR = 1.5;

export function hourMosaicInput(settings: Settings, hour: StripHour): MosaicInput {
  const { tier, deadlineS, ...shared } = settings.mosaic;
  return {
    ...mosaicBase(settings),
    ...hour,
    kind: 'hour',
    tier,
    lane: 'ondemand',
    neighbours: shared.neighbours,
    deadlineMs: deadlineS * 1000,
  };
}

/** What mosaics of any kind are made with. */
export function mosaicBase(
  settings: Settings,
): Pick<MosaicInput, 'schemaVersion' | 'neighbourDays' | 'recheckMs' | 'pbCut' | 'cellArcsec' | 'policy'> {
  const { neighbours, recheckS, pbCut, cellArcsec } = settings.mosaic;
  return {
    schemaVersion: 1,
    neighbourDays: (neighbours * CADENCES_A_NEIGHBOUR * settings.cadence.nominalMin) / MINUTES_PER_DAY,
    recheckMs: recheckS * 1000,
    pbCut,
    cellArcsec: cellArcsec ?? null,
    policy: groupPolicyOf(settings),
  };
}
