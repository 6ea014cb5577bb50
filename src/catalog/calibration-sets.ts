/**
 * Solved calibration sets and their tables. A set that failed its gate is `rejected` and stays so; one whose product was
 * superseded is `retired`; only `active` sets are offered to groups (calibration-choice.ts).
 */
import { z } from 'zod';
import type { ProductRecord } from '../domain/catalog-command.ts';
import { calibratorKindSchema } from '../domain/science-result.ts';
import { appendEvent } from './events.ts';
import { type CatalogDatabase, jsonColumn, rowOf, rowsOf, runSql } from './statement.ts';
import { absolutePathSql, storedPath } from './storage-locations.ts';

export const calibrationSetRow = z.object({
  id: z.int(),
  product_id: z.int(),
  group_id: z.string(),
  calibrator: z.string(),
  flux_jy: z.number(),
  reference_antenna: z.string(),
  dec_deg: z.number(),
  start_mjd: z.number(),
  mid_mjd: z.number(),
  end_mjd: z.number(),
  valid_start_mjd: z.number(),
  valid_end_mjd: z.number(),
  status: z.enum(['candidate', 'active', 'rejected', 'retired']),
  reasons: jsonColumn(z.array(z.string())),
  qa: jsonColumn(z.record(z.string(), z.unknown())),
  calibrator_kind: calibratorKindSchema,
  /** Catalogue and version; null for a built-in calibrator. */
  calibrator_catalogue: z.string().nullable(),
});
export type CalibrationSetRow = z.infer<typeof calibrationSetRow>;

/** `path` is absolute here; the table stores it relative to `location`. */
export const caltableRow = z.object({
  id: z.int(),
  set_id: z.int(),
  type: z.string(),
  apply_order: z.int(),
  location: z.string(),
  path: z.string(),
});
export type CaltableRow = z.infer<typeof caltableRow>;

export function writeCalibrationSet(
  database: CatalogDatabase,
  productId: number,
  record: Extract<ProductRecord, { kind: 'calibration_set' }>,
  at: string,
): void {
  const { solve, validityHours, groupId } = record;
  const product = rowOf(database, z.object({ status: z.string() }), 'SELECT status FROM products WHERE id = :productId', { productId });
  const status = !solve.passed ? 'rejected' : product?.status === 'current' ? 'active' : 'retired';
  const set = rowOf(
    database,
    z.object({ id: z.int() }),
    `INSERT INTO calibration_sets (product_id, group_id, calibrator, calibrator_kind, calibrator_catalogue, flux_jy, reference_antenna,
       dec_deg, start_mjd, mid_mjd, end_mjd, valid_start_mjd, valid_end_mjd, status, reasons, qa)
     VALUES (:productId, :groupId, :calibrator, :calibratorKind, :calibratorCatalogue, :fluxJy, :referenceAntenna,
       :decDeg, :startMjd, :midMjd, :endMjd, :midMjd - :validityDays, :midMjd + :validityDays, :status, :reasons, :qa)
     ON CONFLICT (product_id) DO UPDATE SET calibrator = excluded.calibrator,
       calibrator_kind = excluded.calibrator_kind, calibrator_catalogue = excluded.calibrator_catalogue, flux_jy = excluded.flux_jy,
       reference_antenna = excluded.reference_antenna, dec_deg = excluded.dec_deg, start_mjd = excluded.start_mjd,
       mid_mjd = excluded.mid_mjd, end_mjd = excluded.end_mjd, valid_start_mjd = excluded.valid_start_mjd,
       valid_end_mjd = excluded.valid_end_mjd, status = excluded.status, reasons = excluded.reasons, qa = excluded.qa
     RETURNING id`,
    {
      productId,
      groupId,
      calibrator: solve.calibrator,
      calibratorKind: solve.calibratorKind ?? 'primary',
      calibratorCatalogue: solve.calibratorCatalogue ?? null,
      fluxJy: solve.fluxJy,
      referenceAntenna: solve.referenceAntenna,
      decDeg: solve.decDeg,
      startMjd: solve.startMjd,
      midMjd: solve.midMjd,
      endMjd: solve.endMjd,
      validityDays: validityHours / 24,
      status,
      reasons: JSON.stringify(solve.reasons),
      qa: JSON.stringify(solve.qa),
    },
  );
  if (set === null) throw new Error(`the calibration set of product ${productId} was not written`);
  runSql(database, 'DELETE FROM caltables WHERE set_id = :setId', { setId: set.id });
  for (const { type, order, path } of solve.tables) {
    runSql(database, 'INSERT INTO caltables (set_id, type, apply_order, location, path) VALUES (:setId, :type, :order, :location, :path)', {
      setId: set.id,
      type,
      order,
      ...storedPath(database, path),
    });
  }
  const payload = { set_id: set.id, product_id: productId, calibrator: solve.calibrator, dec_deg: solve.decDeg, status };
  appendEvent(database, { at, topic: 'calibration.changed', groupId, payload });
}

/** Sets whose middle lies within `days` of an instant, nearest first, whatever their status. */
export const calibrationSetsNear = (database: CatalogDatabase, midMjd: number, days: number): CalibrationSetRow[] =>
  rowsOf(
    database,
    calibrationSetRow,
    `SELECT * FROM calibration_sets WHERE mid_mjd BETWEEN :midMjd - :days AND :midMjd + :days ORDER BY abs(mid_mjd - :midMjd), id DESC`,
    { midMjd, days },
  );

/** The active set of a strip nearest in time to an instant, made from another group, within `days`. */
export const goodSetNear = (
  database: CatalogDatabase,
  question: { groupId: string; midMjd: number; decDeg: number; stripToleranceDeg: number; days: number },
): CalibrationSetRow | null =>
  rowOf(
    database,
    calibrationSetRow,
    `SELECT * FROM calibration_sets
     WHERE status = 'active' AND group_id <> :groupId AND abs(dec_deg - :decDeg) <= :stripToleranceDeg
       AND mid_mjd BETWEEN :midMjd - :days AND :midMjd + :days
     ORDER BY abs(mid_mjd - :midMjd), id DESC LIMIT 1`,
    { ...question },
  );

/** In the order they are applied. */
export const tablesOf = (database: CatalogDatabase, setId: number): CaltableRow[] =>
  rowsOf(
    database,
    caltableRow,
    `SELECT t.id, t.set_id, t.type, t.apply_order, t.location, ${absolutePathSql('t', 'l')} AS path
     FROM caltables t JOIN storage_locations l ON l.name = t.location WHERE t.set_id = :setId ORDER BY t.apply_order, t.type`,
    { setId },
  );
