/**
 * Reads light curves. Ten thousand points are read in about the time SQLite needs to hand them over: they lie together on
 * disk, and the schema of a row changes nothing in it, which zod checks several times faster than it transforms.
 */
import { z } from 'zod';
import { measurementRow } from './measurements.ts';
import { type CatalogDatabase, rowsOf } from './statement.ts';

const zeroOrOne = z.literal([0, 1]);

const storedPoint = measurementRow
  .pick({
    id: true,
    image_product_id: true,
    mjd: true,
    flux_jy: true,
    error_jy: true,
    normalised_flux_jy: true,
    normalised_error_jy: true,
    local_rms_jy: true,
    snr: true,
    kind: true,
  })
  .extend({ upper_limit: zeroOrOne, degraded: zeroOrOne, superseded: zeroOrOne, flags: z.string() });
type StoredPoint = z.infer<typeof storedPoint>;

export type LightCurveRow = Omit<StoredPoint, 'upper_limit' | 'degraded' | 'superseded' | 'flags'> & {
  upper_limit: boolean;
  degraded: boolean;
  superseded: boolean;
  flags: string[];
};

const COLUMNS = Object.keys(storedPoint.shape).join(', ');
const words = z.array(z.string());

/** Points of a source in time order; superseded ones only when asked for. */
export const lightCurveOf = (
  database: CatalogDatabase,
  sourceId: number,
  options: { includeSuperseded?: boolean | undefined; startMjd?: number | undefined; endMjd?: number | undefined } = {},
): LightCurveRow[] =>
  rowsOf(
    database,
    storedPoint,
    `SELECT ${COLUMNS} FROM measurements WHERE source_id = :sourceId AND superseded <= :superseded
       AND mjd >= :startMjd AND mjd < :endMjd ORDER BY mjd, id`,
    {
      sourceId,
      superseded: options.includeSuperseded === true ? 1 : 0,
      startMjd: options.startMjd ?? -1e9,
      endMjd: options.endMjd ?? 1e9,
    },
  ).map((point) => ({
    ...point,
    upper_limit: point.upper_limit === 1,
    degraded: point.degraded === 1,
    superseded: point.superseded === 1,
    // Hardly any point has a flag, and parsing JSON costs as much as all the rest.
    flags: point.flags === '[]' ? [] : words.parse(JSON.parse(point.flags)),
  }));
