/**
 * Hours whose mosaic is to be made, or made again: one has images and no mosaic, or a mosaic of other members than it would have now.
 * When a group was finished decides only where to look; members are chosen by when they were observed.
 */
import { z } from 'zod';
import { type MosaicInput, type StripHour, stripHourOf } from '../domain/mosaic.ts';
import { MIDDLE_MJD, planMosaic } from './mosaic-plan.ts';
import { staleHourMosaics } from './mosaics.ts';
import { type CatalogDatabase, rowsOf } from './statement.ts';

const finishedRow = z.object({ dec_deg: z.number(), mid_mjd: z.number() });
/** Each costs a query of milliseconds; the writer has other things to do. */
const MOST_HOURS = 200;

/** Oldest first. `inputOf`: what the mosaic of an hour would be made with. */
export function hoursDue(
  database: CatalogDatabase,
  look: { completedAfter: string },
  inputOf: (hour: StripHour) => MosaicInput,
): MosaicInput[] {
  const finished = rowsOf(
    database,
    finishedRow,
    `SELECT g.dec_deg, ${MIDDLE_MJD} AS mid_mjd FROM groups g JOIN products p ON p.group_id = g.group_id
     WHERE g.completed_at >= :completedAfter AND p.kind = 'image' AND p.status = 'current' ORDER BY mid_mjd`,
    { completedAfter: look.completedAfter },
  ).map(({ dec_deg, mid_mjd }) => stripHourOf({ decDeg: dec_deg, midMjd: mid_mjd }));
  const stale = staleHourMosaics(database, MOST_HOURS).map(({ name, dec_deg, start_mjd, end_mjd }) => ({
    name,
    decDeg: dec_deg,
    startMjd: start_mjd,
    endMjd: end_mjd,
  }));
  const hours = new Map([...stale, ...finished].map((hour) => [hour.name, hour]));
  return [...hours.values()]
    .sort((one, other) => one.startMjd - other.startMjd)
    .slice(0, MOST_HOURS)
    .map(inputOf)
    .filter((input) => {
      const plan = planMosaic(database, input);
      return plan.members.length > 0 && !plan.isMade;
    });
}
