/** Groups a mistyped or unknown name may have meant: those nearest in time, or with the fewest letters changed. */
import { z } from 'zod';
import { unixMsOfWritten } from '../domain/written-instant.ts';
import { unixMsToMjd } from '../domain/utc.ts';
import { type CatalogDatabase, rowsOf } from './statement.ts';

const idRow = z.object({ group_id: z.string() });

/** At most three, nearest first; without a time in the name the newest groups. */
export function nearestGroups(database: CatalogDatabase, name: string): string[] {
  const unixMs = unixMsOfWritten(name);
  const rows =
    unixMs === null
      ? rowsOf(database, idRow, 'SELECT group_id FROM groups ORDER BY group_id DESC LIMIT 3')
      : rowsOf(database, idRow, 'SELECT group_id FROM groups ORDER BY abs(header_t0_mjd - :mjd), group_id LIMIT 3', {
          mjd: unixMsToMjd(unixMs),
        });
  return rows.map((row) => row.group_id);
}
