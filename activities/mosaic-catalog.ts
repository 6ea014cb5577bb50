/** The mosaics' activities on queue `catalog`: who is a member now, what is due, and the record of what was made. */
import { planMosaic } from '../src/catalog/mosaic-plan.ts';
import { recordMosaic } from '../src/catalog/mosaics.ts';
import { hoursDue } from '../src/catalog/mosaics-due.ts';
import { hourMosaicInput } from '../src/config/mosaic-input.ts';
import type { Settings } from '../src/config/settings.ts';
import { mosaicInputSchema } from '../src/domain/mosaic.ts';
import { type MosaicCatalogActivities, mosaicRecordSchema } from '../src/domain/mosaic-record.ts';
import { isoFromUnixMs } from '../src/domain/utc.ts';
import { type CatalogDependencies, reportingTo } from './catalog.ts';

/** A sweep looks at hours with groups that finished since; older ones were looked at by earlier sweeps. */
const LOOK_BACK_MS = 3 * 86_400_000;

type MosaicDependencies = Pick<CatalogDependencies, 'database' | 'log' | 'now'> & { settings: Settings };

export function createMosaicCatalogActivities({ database, log, settings, now = Date.now }: MosaicDependencies): MosaicCatalogActivities {
  const command = reportingTo(log);
  const due = command<void, Awaited<ReturnType<MosaicCatalogActivities['mosaicsDue']>>>(async () =>
    settings.policy.mosaic
      ? hoursDue(database, { completedAfter: isoFromUnixMs(now() - LOOK_BACK_MS) }, (hour) => hourMosaicInput(settings, hour))
      : [],
  );
  return {
    planMosaic: command(async (raw) => planMosaic(database, mosaicInputSchema.parse(raw))),
    recordMosaic: command(async (raw) => ({ productId: recordMosaic(database, mosaicRecordSchema.parse(raw), isoFromUnixMs(now())) })),
    mosaicsDue: () => due(),
  };
}
