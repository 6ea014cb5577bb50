/**
 * One row a source: the sums of its current forced points and the indices that follow. New points are added to the sums;
 * where points were superseded, the sums of exactly those sources are made again from their points.
 * Upper limits count with their measured flux and error: leaving faint epochs out would bias every mean upwards. Blind
 * detections do not count: the forced point of the same image measures the same source. Points of an image that its own
 * quality checks warn about are kept and shown, and do not count: its artefacts are not in their errors.
 */
import { z } from 'zod';
import type { DegradedReason } from '../domain/group-state.ts';
import { sourceRow } from './sources.ts';
import { type CatalogDatabase, booleanColumn, integer, rowOf, rowsOf, runSql, valueOf } from './statement.ts';
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
  is_variable: booleanColumn,
  updated_at: z.string(),
});
export type VariabilityRow = z.infer<typeof variabilityRow>;

const SUMS_OF_SOURCE = `SELECT ${Object.keys(fluxSumsSchema.shape).join(', ')} FROM variability WHERE source_id = :sourceId`;

export const variabilityOfSource = (database: CatalogDatabase, sourceId: number): VariabilityRow | null =>
  rowOf(database, variabilityRow, 'SELECT * FROM variability WHERE source_id = :sourceId', { sourceId });

export function addPoints(database: CatalogDatabase, sourceId: number, points: readonly FluxPoint[], at: string): void {
  const known = rowOf(database, fluxSumsSchema, SUMS_OF_SOURCE, { sourceId });
  const sums = points.map(sumsOfPoint);
  const [first, ...others] = known === null ? sums : [known, ...sums];
  if (first !== undefined) writeSums(database, sourceId, others.reduce(addSums, first), at);
}

/** The degraded reason of points that do not count. */
export const DOUBTFUL_IMAGE = 'qa_warning' satisfies DegradedReason;

const fluxPoint = z.object({ mjd: z.number(), fluxJy: z.number(), errorJy: z.number() });

/** Makes the sums again from the points that are current now. */
export function recompute(database: CatalogDatabase, sourceId: number, at: string): void {
  const points = rowsOf(
    database,
    fluxPoint,
    `SELECT mjd, flux_jy AS fluxJy, error_jy AS errorJy FROM measurements
     WHERE source_id = :sourceId AND superseded = 0 AND kind = 'forced' AND batch_id NOT IN (
       SELECT b.id FROM measurement_batches b, json_each(b.degraded_reasons) reason WHERE reason.value = :doubtful)
     ORDER BY mjd, id`,
    { sourceId, doubtful: DOUBTFUL_IMAGE },
  );
  runSql(database, 'DELETE FROM variability WHERE source_id = :sourceId', { sourceId });
  addPoints(database, sourceId, points, at);
}

function writeSums(database: CatalogDatabase, sourceId: number, sums: FluxSums, at: string): void {
  const { isVariable, ...indices } = variabilityOf(sums);
  runSql(
    database,
    `INSERT OR REPLACE INTO variability (source_id, n, sum_w, sum_wx, sum_wxx, sum_x, sum_xx, sum_ee, min_flux_jy, max_flux_jy,
       high_flux_jy, high_error_jy, low_flux_jy, low_error_jy, first_mjd, last_mjd, mean_flux_jy, mean_error_jy, eta, v,
       excess_fraction, chi2_significance, leave_one_out_sigma, is_variable, updated_at)
     VALUES (:sourceId, :n, :sum_w, :sum_wx, :sum_wxx, :sum_x, :sum_xx, :sum_ee, :min_flux_jy, :max_flux_jy,
       :high_flux_jy, :high_error_jy, :low_flux_jy, :low_error_jy, :first_mjd, :last_mjd, :meanFluxJy, :meanErrorJy, :eta, :v,
       :excessFraction, :chi2Significance, :leaveOneOutSigma, :isVariable, :at)`,
    { sourceId, ...sums, ...indices, isVariable: isVariable ? 1 : 0, at },
  );
}

/** How many of these sources are variable now. */
export const countVariable = (database: CatalogDatabase, sources: ReadonlySet<number>): number =>
  valueOf(
    database,
    integer,
    'SELECT COUNT(*) FROM variability WHERE is_variable = 1 AND source_id IN (SELECT value FROM json_each(:ids))',
    {
      ids: JSON.stringify([...sources]),
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
  is_variable: booleanColumn.nullable(),
});
export type MonitoredSource = z.infer<typeof monitoredSourceRow>;

const MONITORED = `SELECT s.id, s.name, s.ra_deg, s.dec_deg, s.flux_jy, s.spectral_index, v.n, v.mean_flux_jy, v.mean_error_jy,
  v.min_flux_jy, v.max_flux_jy, v.first_mjd, v.last_mjd, v.eta, v.v, v.excess_fraction, v.chi2_significance,
  v.leave_one_out_sigma, v.is_variable
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
