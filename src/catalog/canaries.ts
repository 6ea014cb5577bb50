/**
 * Canaries: which finished group is next, and what became of the synthetic sources in each run. Tables of their own, read by
 * nothing that makes light curves.
 */
import { z } from 'zod';
import { CANARY_VERDICTS } from '../domain/canary.ts';
import type { CanaryRecord, CanarySubject } from '../domain/canary-command.ts';
import { type GroupId, groupIdSchema } from '../domain/group-id.ts';
import { tablesOf } from './calibration-sets.ts';
import { imageFiles } from './images.ts';
import { completenessOfGroup } from './ms-index.ts';
import { productsOf } from './products.ts';
import { booleanColumn, type CatalogDatabase, inTransaction, jsonColumn, rowOf, rowsOf, runSql, valueOf } from './statement.ts';
import { absolutePathSql, storedPath } from './storage-locations.ts';

export const canaryRunRow = z.object({
  run_id: z.string(),
  group_id: z.string(),
  image_product_id: z.int(),
  host: z.string(),
  started_by: z.string(),
  started_at: z.string(),
  ended_at: z.string(),
  verdict: z.enum(CANARY_VERDICTS),
  reasons: jsonColumn(z.array(z.string())),
  location: z.string().nullable(),
  path: z.string().nullable(),
});
export type CanaryRunRow = z.infer<typeof canaryRunRow>;

export const canaryMeasurementRow = z.object({
  run_id: z.string(),
  name: z.string(),
  kind: z.enum(['steady', 'varying']),
  ra_deg: z.number(),
  dec_deg: z.number(),
  response: z.number(),
  injected_jy: z.number(),
  measured_jy: z.number(),
  error_jy: z.number(),
  before_jy: z.number(),
  snr: z.number(),
  offset_arcsec: z.number(),
  passed: booleanColumn,
});
export type CanaryMeasurementRow = z.infer<typeof canaryMeasurementRow>;

export function writeCanary(database: CatalogDatabase, record: CanaryRecord): void {
  const { runId, groupId, imageProductId, host, by, startedAt, endedAt, verdict, reasons, directory, measurements } = record;
  inTransaction(database, () => {
    const place = directory === null ? { location: null, path: null } : storedPath(database, directory);
    const { changes } = runSql(
      database,
      `INSERT INTO canary_runs VALUES (:runId, :groupId, :imageProductId, :host, :by, :startedAt, :endedAt,
         :verdict, :reasons, :location, :path)
       ON CONFLICT (run_id) DO NOTHING`,
      { runId, groupId, imageProductId, host, by, startedAt, endedAt, verdict, reasons: JSON.stringify(reasons), ...place },
    );
    if (changes === 0) return;
    for (const { passed, ...measurement } of measurements) {
      runSql(
        database,
        `INSERT INTO canary_measurements VALUES (:runId, :name, :kind, :raDeg, :decDeg, :response, :injectedJy, :measuredJy,
           :errorJy, :beforeJy, :snr, :offsetArcsec, :passed)`,
        { runId, ...measurement, passed: passed ? 1 : 0 },
      );
    }
  });
}

/** Newest first; `path` is absolute. */
export const listCanaries = (database: CatalogDatabase, limit: number): CanaryRunRow[] =>
  rowsOf(
    database,
    canaryRunRow,
    `SELECT c.run_id, c.group_id, c.image_product_id, c.host, c.started_by, c.started_at, c.ended_at, c.verdict, c.reasons, c.location,
       ${absolutePathSql('c', 'l')} AS path
     FROM canary_runs c LEFT JOIN storage_locations l ON l.name = c.location ORDER BY c.ended_at DESC, c.run_id LIMIT :limit`,
    { limit },
  );

export const canaryMeasurements = (database: CatalogDatabase, runId: string): CanaryMeasurementRow[] =>
  rowsOf(database, canaryMeasurementRow, 'SELECT * FROM canary_measurements WHERE run_id = :runId ORDER BY snr, name', { runId });

export const failedCanaries = (database: CatalogDatabase): number =>
  valueOf(database, z.int(), `SELECT COUNT(*) FROM canary_runs WHERE verdict <> 'pass'`) ?? 0;

type Chosen = { group: Omit<CanarySubject, 'policy' | 'parameters' | 'canary'> } | { group: null; reason: string };

const finishedRow = z.object({
  group_id: groupIdSchema,
  host: z.string().nullable(),
  product_id: z.int(),
  noise_jy: z.number(),
  beam_major_arcsec: z.number(),
  centre_ra_deg: z.number(),
  centre_dec_deg: z.number(),
  had_canary: booleanColumn,
});

/** The group that is asked for, or the one completed last: older ones tell nothing of how things are now. */
export function canarySubject(database: CatalogDatabase, groupId: GroupId | null): Chosen {
  const finished = rowOf(
    database,
    finishedRow,
    `SELECT g.group_id, g.host, i.product_id, i.noise_jy, i.beam_major_arcsec, i.centre_ra_deg, i.centre_dec_deg,
       EXISTS (SELECT 1 FROM canary_runs c WHERE c.image_product_id = i.product_id) AS had_canary
     FROM groups g JOIN products p ON p.group_id = g.group_id AND p.kind = 'image' AND p.status = 'current'
       JOIN images i ON i.product_id = p.id
     WHERE g.state = 'completed' AND i.qa_verdict <> 'fail' AND g.has_calibrator IS NULL AND (:groupId IS NULL OR g.group_id = :groupId)
     ORDER BY g.completed_at DESC LIMIT 1`,
    { groupId },
  );
  if (finished === null) {
    return { group: null, reason: groupId === null ? 'no science group has an image that passed' : `${groupId} has no image that passed` };
  }
  const { group_id: id, host, product_id: productId } = finished;
  if (groupId === null && finished.had_canary) return { group: null, reason: `${id}, completed last, had its canary` };
  const ms = productsOf(database, id).find(({ kind, status }) => kind === 'ms' && status === 'current');
  const { image, beam, residual, model } = imageFiles(database, productId);
  if (host === null || ms === undefined || image === undefined || beam === undefined || residual === undefined || model === undefined) {
    return { group: null, reason: `${id} is not on record whole: its host, Measurement Set or planes are missing` };
  }
  return {
    group: {
      groupId: id,
      host,
      publishedMs: ms.path,
      centre: { raDeg: finished.centre_ra_deg, decDeg: finished.centre_dec_deg },
      missingSubbands: completenessOfGroup(database, id)?.lacking.subbands ?? [],
      image: {
        productId,
        noiseJy: finished.noise_jy,
        beamMajorArcsec: finished.beam_major_arcsec,
        files: { image, beam, residual, model },
      },
      choice: { sets: setsOf(database, productId), how: 'as its image', rejected: [] },
    },
  };
}

const setRow = z.object({ id: z.int(), product_id: z.int(), mid_mjd: z.number() });

const setsOf = (database: CatalogDatabase, imageProductId: number): CanarySubject['choice']['sets'] =>
  rowsOf(
    database,
    setRow,
    `SELECT s.id, s.product_id, s.mid_mjd FROM calibration_applied a JOIN calibration_sets s ON s.id = a.set_id
     WHERE a.product_id = :imageProductId ORDER BY s.mid_mjd`,
    { imageProductId },
  ).map(({ id, product_id: productId, mid_mjd: midMjd }) => ({
    id,
    productId,
    midMjd,
    tables: tablesOf(database, id).map(({ type, apply_order: order, path }) => ({ type, order, path })),
  }));

/** Run id of the newest canary with measurements. */
export const lastMeasuredCanary = (database: CatalogDatabase): string | null =>
  valueOf(
    database,
    z.string(),
    `SELECT run_id FROM canary_runs c WHERE EXISTS (SELECT 1 FROM canary_measurements m WHERE m.run_id = c.run_id)
     ORDER BY ended_at DESC, run_id LIMIT 1`,
  );
