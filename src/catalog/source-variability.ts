/**
 * One row a source: the sums of its current forced points, normalised where they are, and the indices that follow. New points
 * are added to the sums; where points were superseded or their image has another flux scale now, the sums of exactly those
 * sources are made again from their points.
 * Upper limits count with their measured flux and error: leaving faint epochs out would bias every mean upwards. Blind
 * detections do not count: the forced point of the same image measures the same source. Points of an image that its own
 * quality checks warn about are kept and shown, and do not count: its artefacts are not in their errors.
 */
import { z } from 'zod';
import { DEFAULT_ESE_PRESET, ESE_SHAPES, type EsePreset } from '../domain/candidate.ts';
import type { DegradedReason } from '../domain/group-state.ts';
import { standingSchema } from '../domain/source-standing.ts';
import { type Counted, candidateUpdate } from './candidates.ts';
import { STANDING } from './found-sources.ts';
import { sourceRow } from './sources.ts';
import { type CatalogDatabase, booleanColumn, idsJson, integer, rowOf, rowsOf, runSql, valueOf } from './statement.ts';
import { type FluxPoint, type FluxSums, addSums, fluxSumsSchema, sumsOfPoint, variabilityOf } from './variability.ts';

export const variabilityRow = z.object({
  source_id: z.int(),
  ...fluxSumsSchema.shape,
  mean_flux_jy: z.number(),
  mean_error_jy: z.number(),
  eta: z.number().nullable(),
  v: z.number().nullable(),
  excess_fraction: z.number().nullable(),
  chi2_significance: z.number().nullable(),
  leave_one_out_sigma: z.number().nullable(),
  two_epoch_vs: z.number().nullable(),
  two_epoch_m: z.number().nullable(),
  ese_score: z.number().nullable(),
  ese_shape: z.enum(ESE_SHAPES).nullable(),
  is_variable: booleanColumn,
  updated_at: z.string(),
});
export type VariabilityRow = z.infer<typeof variabilityRow>;

const SUMS_OF_SOURCE = `SELECT ${Object.keys(fluxSumsSchema.shape).join(', ')} FROM variability WHERE source_id = :sourceId`;

export const variabilityOfSource = (database: CatalogDatabase, sourceId: number): VariabilityRow | null =>
  rowOf(database, variabilityRow, 'SELECT * FROM variability WHERE source_id = :sourceId', { sourceId });

/** The degraded reason of points that do not count. */
export const DOUBTFUL_IMAGE = 'qa_warning' satisfies DegradedReason;

const FLUX_COLUMNS = `source_id AS sourceId, mjd, COALESCE(normalised_flux_jy, flux_jy) AS fluxJy,
  COALESCE(normalised_error_jy, error_jy) AS errorJy`;
const sourcePoint = z.object({ sourceId: z.int(), mjd: z.number(), fluxJy: z.number(), errorJy: z.number() });

/** Takes in a new batch. `changedSources`: those whose earlier points are others now; their sums are made again. */
export function updateVariability(
  database: CatalogDatabase,
  { batchId, changedSources }: { batchId: number; changedSources: ReadonlySet<number> },
  { at, esePreset = DEFAULT_ESE_PRESET }: { at: string; esePreset?: EsePreset | undefined },
): void {
  const candidates = candidateUpdate(database, esePreset, at);
  for (const sourceId of changedSources) candidates.settle(sourceId, recompute(database, sourceId, at));
  const added = rowsOf(database, sourcePoint, `SELECT ${FLUX_COLUMNS} FROM measurements WHERE batch_id = :batchId AND counts = 1`, {
    batchId,
  });
  for (const [sourceId, points] of Map.groupBy(added, (point) => point.sourceId)) {
    if (!changedSources.has(sourceId)) candidates.settle(sourceId, addPoints(database, sourceId, points, at));
  }
}

/** Null when there is no point. */
function addPoints(database: CatalogDatabase, sourceId: number, points: readonly FluxPoint[], at: string): Counted | null {
  const known = rowOf(database, fluxSumsSchema, SUMS_OF_SOURCE, { sourceId });
  const sums = points.map(sumsOfPoint);
  const [first, ...others] = known === null ? sums : [known, ...sums];
  return first === undefined ? null : writeSums(database, sourceId, others.reduce(addSums, first), at);
}

/** Makes the sums again from the points that count now. */
export function recompute(database: CatalogDatabase, sourceId: number, at: string): Counted | null {
  const points = rowsOf(
    database,
    sourcePoint,
    `SELECT ${FLUX_COLUMNS} FROM measurements WHERE source_id = :sourceId AND counts = 1 ORDER BY mjd, id`,
    { sourceId },
  );
  runSql(database, 'DELETE FROM variability WHERE source_id = :sourceId', { sourceId });
  return addPoints(database, sourceId, points, at);
}

const COLUMNS = Object.keys(variabilityRow.shape);

/** In place: a row taken away and put back would cost as much again, for each of an image's thousand sources. */
const WRITE_ROW = `INSERT INTO variability (${COLUMNS.join(', ')}) VALUES (${COLUMNS.map((column) => `:${column}`).join(', ')})
  ON CONFLICT (source_id) DO UPDATE SET ${COLUMNS.slice(1)
    .map((column) => `${column} = excluded.${column}`)
    .join(', ')}`;

function writeSums(database: CatalogDatabase, sourceId: number, sums: FluxSums, at: string): Counted {
  const found = variabilityOf(sums);
  const score = found.ese?.score ?? null;
  const row = {
    source_id: sourceId,
    ...sums,
    mean_flux_jy: found.meanFluxJy,
    mean_error_jy: found.meanErrorJy,
    eta: found.eta,
    v: found.v,
    excess_fraction: found.excessFraction,
    chi2_significance: found.chi2Significance,
    leave_one_out_sigma: found.leaveOneOutSigma,
    two_epoch_vs: found.twoEpochVs,
    two_epoch_m: found.twoEpochM,
    ese_score: score,
    ese_shape: found.ese?.shape ?? null,
    is_variable: found.isVariable ? 1 : 0,
    updated_at: at,
  } satisfies Record<keyof VariabilityRow, number | string | null>;
  runSql(database, WRITE_ROW, row);
  return { points: sums.n, score, modulation: found.twoEpochM };
}

/** How many of these sources are variable now. */
export const countVariable = (database: CatalogDatabase, sources: ReadonlySet<number>): number =>
  valueOf(
    database,
    integer,
    'SELECT COUNT(*) FROM variability WHERE is_variable = 1 AND source_id IN (SELECT value FROM json_each(:ids))',
    {
      ids: idsJson(sources),
    },
  ) ?? 0;

/** A source with its variability, if it has any point. */
const monitoredSourceRow = sourceRow.omit({ catalogue: true, imported_at: true }).extend({
  n: z.int().nullable(),
  mean_flux_jy: z.number().nullable(),
  mean_error_jy: z.number().nullable(),
  min_flux_jy: z.number().nullable(),
  max_flux_jy: z.number().nullable(),
  first_mjd: z.number().nullable(),
  last_mjd: z.number().nullable(),
  eta: z.number().nullable(),
  v: z.number().nullable(),
  excess_fraction: z.number().nullable(),
  chi2_significance: z.number().nullable(),
  leave_one_out_sigma: z.number().nullable(),
  two_epoch_vs: z.number().nullable(),
  two_epoch_m: z.number().nullable(),
  ese_score: z.number().nullable(),
  ese_shape: z.enum(ESE_SHAPES).nullable(),
  is_variable: booleanColumn.nullable(),
  standing: standingSchema,
});
export type MonitoredSource = z.infer<typeof monitoredSourceRow>;

const MONITORED = `SELECT s.id, s.name, s.ra_deg, s.dec_deg, s.flux_jy, s.spectral_index, v.n, v.mean_flux_jy, v.mean_error_jy,
  v.min_flux_jy, v.max_flux_jy, v.first_mjd, v.last_mjd, v.eta, v.v, v.excess_fraction, v.chi2_significance,
  v.leave_one_out_sigma, v.two_epoch_vs, v.two_epoch_m, v.ese_score, v.ese_shape, v.is_variable,
  ${STANDING} AS standing
  FROM sources s LEFT JOIN variability v ON v.source_id = s.id`;

/** `by`: most variable first (sources without a point last), or by name; `name` narrows to names that contain it. */
export function listSources(
  database: CatalogDatabase,
  filter: { by: 'eta' | 'name' | 'flux'; name?: string | undefined; variableOnly?: boolean | undefined; limit: number; offset: number },
): { sources: MonitoredSource[]; total: number } {
  const where = `WHERE (:name IS NULL OR instr(lower(s.name), lower(:name)) > 0) AND (:variableOnly = 0 OR v.is_variable = 1)`;
  const order = { eta: 'v.eta DESC NULLS LAST, s.id', name: 's.name', flux: 'COALESCE(v.mean_flux_jy, s.flux_jy) DESC NULLS LAST, s.id' };
  const parameters = { name: filter.name ?? null, variableOnly: filter.variableOnly === true ? 1 : 0 };
  const total = valueOf(
    database,
    integer,
    `SELECT COUNT(*) AS n FROM sources s LEFT JOIN variability v ON v.source_id = s.id ${where}`,
    parameters,
  );
  const sources = rowsOf(database, monitoredSourceRow, `${MONITORED} ${where} ORDER BY ${order[filter.by]} LIMIT :limit OFFSET :offset`, {
    ...parameters,
    limit: filter.limit,
    offset: filter.offset,
  });
  return { sources, total: total ?? 0 };
}

export const monitoredSource = (database: CatalogDatabase, id: number): MonitoredSource | null =>
  rowOf(database, monitoredSourceRow, `${MONITORED} WHERE s.id = :id`, { id });
