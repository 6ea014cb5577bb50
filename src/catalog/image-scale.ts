/**
 * Puts the points of an image on the common flux scale. The measured flux stays as it is; the normalised one stands beside it,
 * or nothing does and the batch says why. What is written follows from measured points and references alone.
 */
import { z } from 'zod';
import { FLUX_SCALE, fluxScaleOf } from './flux-scale.ts';
import { type CatalogDatabase, idsJson, integer, rowOf, rowsOf, runSql, valuesOf } from './statement.ts';

/** Current batches that hold points of these sources: their flux scale may be another now. */
export const batchesWith = (database: CatalogDatabase, sourceIds: Iterable<number>): number[] =>
  valuesOf(
    database,
    integer,
    `SELECT DISTINCT batch_id FROM measurements
     WHERE source_id IN (SELECT value FROM json_each(:ids)) AND superseded = 0 AND kind = 'forced' ORDER BY batch_id`,
    { ids: idsJson(sourceIds) },
  );

const scaleColumns = z.object({
  flux_scale: z.number().nullable(),
  flux_scale_error: z.number().nullable(),
  scale_references: z.int(),
  scale_note: z.string().nullable(),
});
type ScaleColumns = z.infer<typeof scaleColumns>;

const ratioRow = z.object({ flux: z.number(), error: z.number(), reference: z.number(), referenceError: z.number() });

/** Makes the scale of a batch again and, where it is another, its points. Answers whether it was. */
export function rescale(database: CatalogDatabase, batchId: number): boolean {
  const before = rowOf(
    database,
    scaleColumns,
    'SELECT flux_scale, flux_scale_error, scale_references, scale_note FROM measurement_batches WHERE id = :batchId',
    { batchId },
  );
  const after = scaleOf(database, batchId);
  if (before === null || isSame(before, after)) return false;
  runSql(
    database,
    `UPDATE measurement_batches SET flux_scale = :flux_scale, flux_scale_error = :flux_scale_error,
       scale_references = :scale_references, scale_note = :scale_note WHERE id = :batchId`,
    { ...after, batchId },
  );
  if (before.flux_scale === null && after.flux_scale === null) return false;
  runSql(
    database,
    `UPDATE measurements SET normalised_flux_jy = flux_jy / :scale,
       normalised_error_jy = sqrt(error_jy * error_jy + flux_jy * flux_jy * :relative * :relative) / :scale
     WHERE batch_id = :batchId`,
    { batchId, scale: after.flux_scale, relative: after.flux_scale === null ? null : (after.flux_scale_error ?? 0) / after.flux_scale },
  );
  return true;
}

const isSame = (one: ScaleColumns, other: ScaleColumns): boolean =>
  one.flux_scale === other.flux_scale &&
  one.flux_scale_error === other.flux_scale_error &&
  one.scale_references === other.scale_references &&
  one.scale_note === other.scale_note;

function scaleOf(database: CatalogDatabase, batchId: number): ScaleColumns {
  // Isolated: fitted alone, by a fit that could tell it from the noise.
  const ratios = rowsOf(
    database,
    ratioRow,
    `SELECT m.flux_jy AS flux, m.error_jy AS error, r.flux_jy AS reference, r.error_jy AS referenceError
     FROM measurements m JOIN flux_references r ON r.source_id = m.source_id
     WHERE m.batch_id = :batchId AND r.is_usable = 1 AND m.kind = 'forced' AND m.upper_limit = 0 AND m.snr >= :minSnr
       AND instr(m.flags, '"joint"') = 0 AND instr(m.flags, '"unresolved"') = 0`,
    { batchId, minSnr: FLUX_SCALE.minSnr },
  ).map(({ flux, error, reference, referenceError }) => {
    const ratio = flux / reference;
    return { ratio, error: ratio * Math.hypot(error / flux, referenceError / reference) };
  });
  const scale = fluxScaleOf(ratios);
  if (scale === null) {
    const note = `${ratios.length} steady, isolated sources with a history; ${FLUX_SCALE.minReferences} that agree are needed`;
    return { flux_scale: null, flux_scale_error: null, scale_references: ratios.length, scale_note: note };
  }
  return { flux_scale: scale.scale, flux_scale_error: scale.error, scale_references: scale.references, scale_note: null };
}

/** A superseded image takes part in nothing. */
export function unscale(database: CatalogDatabase, batchId: number): void {
  runSql(
    database,
    `UPDATE measurement_batches SET flux_scale = NULL, flux_scale_error = NULL, scale_references = 0,
       scale_note = 'superseded by a newer measurement' WHERE id = :batchId`,
    { batchId },
  );
}
