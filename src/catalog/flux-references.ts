/**
 * What each source is held against when it serves as a reference for flux scales: the weighted mean of its ten earliest points
 * (by time of observation, as measured). A fixed set of epochs, so that a new image never changes what older images were
 * held against, and the earliest by observation, so that the order in which images arrive changes nothing. Only when an
 * earlier epoch than these comes in, or one of them is replaced, is a reference made again.
 */
import { z } from 'zod';
import { FLUX_SCALE } from './flux-scale.ts';
import { type CatalogDatabase, booleanColumn, idsJson, rowsOf, runSql } from './statement.ts';
import { addSums, sumsOfPoint, variabilityOf } from './variability.ts';

export const fluxReferenceRow = z.object({
  source_id: z.int(),
  points: z.int(),
  until_mjd: z.number(),
  flux_jy: z.number(),
  error_jy: z.number(),
  is_usable: booleanColumn,
});
type FluxReference = z.infer<typeof fluxReferenceRow>;

/** Points that came or went, by source: the earliest of each. */
export type EarliestChange = ReadonlyMap<number, number>;

const referencesOf = (database: CatalogDatabase, sourceIds: Iterable<number>): Map<number, FluxReference> =>
  new Map(
    rowsOf(database, fluxReferenceRow, 'SELECT * FROM flux_references WHERE source_id IN (SELECT value FROM json_each(:ids))', {
      ids: idsJson(sourceIds),
    }).map((reference) => [reference.source_id, reference]),
  );

/** Brings the references up to date. Answers the sources whose reference other images may have used and that is another now. */
export function updateReferences(database: CatalogDatabase, changes: EarliestChange): Set<number> {
  const changed = new Set<number>();
  const known = referencesOf(database, changes.keys());
  for (const [sourceId, mjd] of changes) {
    const before = known.get(sourceId);
    if (before !== undefined && before.points === FLUX_SCALE.referencePoints && mjd > before.until_mjd) continue;
    const after = referenceFromPoints(database, sourceId);
    if (after === null) runSql(database, 'DELETE FROM flux_references WHERE source_id = :sourceId', { sourceId });
    else write(database, after);
    if (!saysTheSame(before, after)) changed.add(sourceId);
  }
  return changed;
}

/** To those who use it: what cannot be used says nothing. */
function saysTheSame(before: FluxReference | undefined, after: FluxReference | null): boolean {
  if (before?.is_usable !== true || after?.is_usable !== true) return before?.is_usable !== true && after?.is_usable !== true;
  return before.flux_jy === after.flux_jy && before.error_jy === after.error_jy;
}

const point = z.object({ mjd: z.number(), fluxJy: z.number(), errorJy: z.number() });

function referenceFromPoints(database: CatalogDatabase, sourceId: number): FluxReference | null {
  const points = rowsOf(
    database,
    point,
    `SELECT mjd, flux_jy AS fluxJy, error_jy AS errorJy FROM measurements WHERE source_id = :sourceId AND counts = 1
     ORDER BY mjd, flux_jy, error_jy LIMIT :limit`,
    { sourceId, limit: FLUX_SCALE.referencePoints },
  );
  const last = points.at(-1);
  const [first, ...others] = points.map(sumsOfPoint);
  if (first === undefined || last === undefined) return null;
  const { meanFluxJy, meanErrorJy, excessFraction, isVariable } = variabilityOf(others.reduce(addSums, first));
  const isSteady = !isVariable && (excessFraction ?? Number.POSITIVE_INFINITY) <= FLUX_SCALE.maxExcessFraction;
  const isBright = meanFluxJy >= FLUX_SCALE.minSnr * meanErrorJy;
  return {
    source_id: sourceId,
    points: points.length,
    until_mjd: last.mjd,
    flux_jy: meanFluxJy,
    error_jy: meanErrorJy,
    is_usable: points.length >= FLUX_SCALE.minReferencePoints && isSteady && isBright,
  };
}

const write = (database: CatalogDatabase, { source_id, points, until_mjd, flux_jy, error_jy, is_usable }: FluxReference): unknown =>
  runSql(
    database,
    `INSERT OR REPLACE INTO flux_references (source_id, points, until_mjd, flux_jy, error_jy, is_usable)
     VALUES (:source_id, :points, :until_mjd, :flux_jy, :error_jy, :is_usable)`,
    { source_id, points, until_mjd, flux_jy, error_jy, is_usable: is_usable ? 1 : 0 },
  );
