/**
 * Makes the sums of sources again from all of their points, a page at a time: what a year of single additions rounded off, or a fault
 * left behind, is put right and counted.
 */
import { inTransaction, integer, type CatalogDatabase, valuesOf } from './statement.ts';
import { recompute, variabilityOfSource } from './source-variability.ts';
import { fluxSumsSchema } from './variability.ts';

/** Of ten thousand additions in double precision; a point too many or too few is far above it. */
const ROUNDING = 1e-9;

export function recheckVariability(
  database: CatalogDatabase,
  { after, limit, at }: { after: number; limit: number; at: string },
): { last: number | null; sources: number; corrected: number } {
  const sources = valuesOf(
    database,
    integer,
    `SELECT source_id FROM variability WHERE source_id > :after
     UNION SELECT source_id FROM measurements WHERE source_id > :after AND counts = 1 ORDER BY source_id LIMIT :limit`,
    { after, limit },
  );
  let corrected = 0;
  inTransaction(database, () => {
    for (const sourceId of sources) {
      const before = variabilityOfSource(database, sourceId);
      recompute(database, sourceId, at);
      const now = variabilityOfSource(database, sourceId);
      const same =
        before === null || now === null
          ? before === now
          : fluxSumsSchema.keyof().options.every((sum) => Math.abs(before[sum] - now[sum]) <= ROUNDING * Math.max(1, Math.abs(now[sum])));
      if (!same) corrected += 1;
    }
  });
  return { last: sources.at(-1) ?? null, sources: sources.length, corrected };
}
