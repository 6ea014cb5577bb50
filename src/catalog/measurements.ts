/**
 * Points of light curves, recorded a batch (one measurements file) at a time. A newer batch of a group supersedes the
 * group's earlier ones; superseded points stay, and count in nothing. What adding a batch costs does not depend on how many
 * points there are already.
 */
import { z } from 'zod';
import { StepError } from '../domain/failure.ts';
import type { ForcedLine, MeasurementLine } from '../domain/science-result.ts';
import type { EsePreset } from '../domain/candidate.ts';
import { appendEvent } from './events.ts';
import { type EarliestChange, updateReferences } from './flux-references.ts';
import { type Associated, associate, countFoundOn } from './found-sources.ts';
import { batchesWith, rescale, unscale } from './image-scale.ts';
import { DOUBTFUL_IMAGE, countVariable, updateVariability } from './source-variability.ts';
import {
  type CatalogDatabase,
  booleanColumn,
  idsJson,
  inTransaction,
  integer,
  jsonColumn,
  rowsOf,
  runSql,
  valueOf,
  valuesOf,
} from './statement.ts';

export const measurementBatchRow = z.object({
  id: z.int(),
  group_id: z.string(),
  run_number: z.int(),
  image_product_id: z.int(),
  digest: z.string(),
  points: z.int(),
  degraded_reasons: jsonColumn(z.array(z.string())),
  superseded: booleanColumn,
  recorded_at: z.string(),
  flux_scale: z.number().nullable(),
  flux_scale_error: z.number().nullable(),
  scale_references: z.int(),
  scale_note: z.string().nullable(),
});

export const measurementRow = z.object({
  id: z.int(),
  batch_id: z.int(),
  source_id: z.int(),
  image_product_id: z.int(),
  mjd: z.number(),
  flux_jy: z.number(),
  error_jy: z.number(),
  /** On the flux scale that the images share; null where the image gave no scale. */
  normalised_flux_jy: z.number().nullable(),
  normalised_error_jy: z.number().nullable(),
  local_rms_jy: z.number(),
  snr: z.number(),
  pb_response: z.number(),
  chi2: z.number().nullable(),
  kind: z.enum(['forced', 'blind']),
  upper_limit: booleanColumn,
  degraded: booleanColumn,
  flags: jsonColumn(z.array(z.string())),
  superseded: booleanColumn,
  counts: booleanColumn,
});
type MeasurementRow = z.infer<typeof measurementRow>;

export interface MeasurementBatch {
  groupId: string;
  runNumber: number;
  imageProductId: number;
  /** SHA-256 of the file: the same file told again changes nothing. */
  digest: string;
  degradedReasons: readonly string[];
  lines: readonly MeasurementLine[];
  at: string;
  /** What makes a candidate; the default of the settings when absent. */
  esePreset?: EsePreset | undefined;
}

export interface RecordedBatch {
  points: number;
  /** Of the sources measured at their places, those that are variable now. */
  variableSources: number;
  /** That this image showed first. */
  newSources: number;
}

export function recordBatch(database: CatalogDatabase, batch: MeasurementBatch): RecordedBatch {
  return inTransaction(database, () => {
    const current = rowsOf(
      database,
      measurementBatchRow,
      'SELECT * FROM measurement_batches WHERE group_id = :groupId AND superseded = 0',
      {
        groupId: batch.groupId,
      },
    );
    const again = current.some((known) => known.image_product_id === batch.imageProductId && known.digest === batch.digest);
    const forced = batch.lines.filter((line) => line.kind === 'forced');
    const sources = new Set(forced.map((line) => line.sourceId));
    if (!again) write(database, batch, { forced, sources }, current);
    return {
      points: batch.lines.length,
      variableSources: countVariable(database, sources),
      newSources: countFoundOn(database, batch.imageProductId),
    };
  });
}

function write(
  database: CatalogDatabase,
  batch: MeasurementBatch,
  { forced, sources }: { forced: readonly ForcedLine[]; sources: ReadonlySet<number> },
  current: readonly z.infer<typeof measurementBatchRow>[],
): void {
  refuseUnknownSources(database, sources);
  // A batch of an older run that arrives late is kept as superseded and changes no light curve.
  const late = current.some((known) => known.run_number > batch.runNumber);
  const gone = late ? new Map<number, number>() : supersede(database, current);
  const finds = batch.lines.filter((line) => line.kind === 'blind');
  const found = associate(database, finds, { productId: batch.imageProductId, mayCreate: !late, at: batch.at });
  const batchId = insert(database, batch, [...forced, ...found], late);
  if (late) return;
  const references = updateReferences(database, earliestOf(gone, forced));
  const others = batchesWith(database, references).filter((id) => id !== batchId);
  rescale(database, batchId);
  const rescaled = others.filter((id) => rescale(database, id));
  // A find adds nothing to the sums of its source, but may be what confirms it.
  const seenAgain = found.map((line) => line.sourceId);
  const changedSources = new Set([...gone.keys(), ...sourcesOf(database, rescaled), ...seenAgain]);
  updateVariability(database, { batchId, changedSources }, batch);
  const payload = { kind: 'measurements', group_id: batch.groupId, product_id: batch.imageProductId, points: batch.lines.length };
  appendEvent(database, { at: batch.at, topic: 'product.created', groupId: batch.groupId, payload });
}

function earliestOf(gone: EarliestChange, lines: readonly ForcedLine[]): EarliestChange {
  const earliest = new Map(gone);
  for (const { sourceId, mjd } of lines) earliest.set(sourceId, Math.min(mjd, earliest.get(sourceId) ?? mjd));
  return earliest;
}

const sourcesOf = (database: CatalogDatabase, batchIds: readonly number[]): number[] =>
  valuesOf(database, integer, 'SELECT DISTINCT source_id FROM measurements WHERE batch_id IN (SELECT value FROM json_each(:ids))', {
    ids: idsJson(batchIds),
  });

function refuseUnknownSources(database: CatalogDatabase, sources: ReadonlySet<number>): void {
  const [unknown] = valuesOf(database, integer, 'SELECT value FROM json_each(:ids) WHERE value NOT IN (SELECT id FROM sources) LIMIT 1', {
    ids: idsJson(sources),
  });
  if (unknown === undefined) return;
  throw new StepError({
    type: 'BadInput',
    code: 'UnknownSource',
    message: `the measurements name source ${unknown}, which the product database does not have`,
    remedy: 'Measure again with the positions of this database; nothing of the file was recorded.',
    sideEffects: 'none',
  });
}

const goneRow = z.object({ source_id: z.int(), mjd: z.number() });

/** Answers the sources whose points are no longer current, and when the earliest of these was observed. */
function supersede(database: CatalogDatabase, batches: readonly { id: number }[]): Map<number, number> {
  const earliest = new Map<number, number>();
  for (const { id } of batches) {
    const gone = rowsOf(
      database,
      goneRow,
      `UPDATE measurements SET superseded = 1, counts = 0, normalised_flux_jy = NULL, normalised_error_jy = NULL
       WHERE batch_id = :id RETURNING source_id, mjd`,
      { id },
    );
    for (const { source_id: sourceId, mjd } of gone) earliest.set(sourceId, Math.min(mjd, earliest.get(sourceId) ?? mjd));
    runSql(database, 'UPDATE measurement_batches SET superseded = 1 WHERE id = :id', { id });
    unscale(database, id);
  }
  return earliest;
}

/** Answers the id of the batch. */
function insert(database: CatalogDatabase, batch: MeasurementBatch, lines: readonly (ForcedLine | Associated)[], late: boolean): number {
  const superseded = late ? 1 : 0;
  const degraded = batch.degradedReasons.length > 0 ? 1 : 0;
  const { lastInsertRowid } = runSql(
    database,
    `INSERT INTO measurement_batches (group_id, run_number, image_product_id, digest, points, degraded_reasons, superseded, recorded_at)
     VALUES (:groupId, :runNumber, :imageProductId, :digest, :points, :degradedReasons, :superseded, :at)`,
    {
      groupId: batch.groupId,
      runNumber: batch.runNumber,
      imageProductId: batch.imageProductId,
      digest: batch.digest,
      points: lines.length,
      degradedReasons: JSON.stringify(batch.degradedReasons),
      superseded,
      at: batch.at,
    },
  );
  const batchId = Number(lastInsertRowid);
  const own = { batchId, imageProductId: batch.imageProductId, degraded, superseded };
  const imageCounts = !late && !batch.degradedReasons.includes(DOUBTFUL_IMAGE);
  let id = valueOf(database, integer, 'SELECT MAX(id) FROM measurements') ?? 0;
  for (const line of lines) {
    id += 1;
    const { sourceId, mjd, fluxJy, errorJy, localRmsJy, snr, pbResponse, chi2, kind } = line;
    runSql(
      database,
      `INSERT INTO measurements (id, batch_id, source_id, image_product_id, mjd, flux_jy, error_jy, local_rms_jy, snr, pb_response,
         chi2, kind, upper_limit, degraded, flags, superseded, counts)
       VALUES (:id, :batchId, :sourceId, :imageProductId, :mjd, :fluxJy, :errorJy, :localRmsJy, :snr, :pbResponse, :chi2,
         :kind, :upperLimit, :degraded, :flags, :superseded, :counts)`,
      {
        ...own,
        sourceId,
        mjd,
        fluxJy,
        errorJy,
        localRmsJy,
        snr,
        pbResponse,
        chi2,
        kind,
        id,
        upperLimit: line.upperLimit ? 1 : 0,
        flags: JSON.stringify(line.flags),
        counts: imageCounts && kind === 'forced' ? 1 : 0,
      },
    );
  }
  if (late) unscale(database, batchId);
  return batchId;
}

const COLUMNS = Object.keys(measurementRow.shape).join(', ');

/** Current points measured on an image, brightest first: what is overlaid on it. */
export const measurementsOnImage = (database: CatalogDatabase, imageProductId: number): MeasurementRow[] =>
  rowsOf(
    database,
    measurementRow,
    `SELECT ${COLUMNS} FROM measurements WHERE superseded = 0 AND batch_id IN
       (SELECT id FROM measurement_batches WHERE group_id = (SELECT group_id FROM products WHERE id = :imageProductId)
          AND image_product_id = :imageProductId AND superseded = 0)
     ORDER BY flux_jy DESC`,
    { imageProductId },
  );
