/** What the landing page shows beyond single figures: rates by hour, and how old the calibration of each strip is. */
import { z } from 'zod';
import { type CatalogDatabase, rowsOf } from './statement.ts';

const hourlyRow = z.object({ hour: z.string(), completed: z.int() });

/** Groups completed in each hour since `since` (RFC 3339), oldest first; hours without any are left out. */
export const completionsPerHour = (database: CatalogDatabase, since: string): z.infer<typeof hourlyRow>[] =>
  rowsOf(
    database,
    hourlyRow,
    `SELECT substr(completed_at, 1, 13) || ':00:00Z' AS hour, COUNT(*) AS completed FROM groups
     WHERE completed_at >= :since AND state = 'completed' GROUP BY 1 ORDER BY 1`,
    { since },
  );

const stripRow = z.object({ strip_dec_deg: z.number(), calibrator: z.string(), mid_mjd: z.number(), set_id: z.int() });

/** The newest active set of each declination strip (to the nearest degree). */
export const newestSetByStrip = (database: CatalogDatabase): z.infer<typeof stripRow>[] =>
  rowsOf(
    database,
    stripRow,
    `SELECT round(dec_deg) AS strip_dec_deg, calibrator, MAX(mid_mjd) AS mid_mjd, id AS set_id FROM calibration_sets
     WHERE status = 'active' GROUP BY 1 ORDER BY 1`,
  );
