/** Images: what each shows and how good it is, its files, and the calibration it was made with. */
import { z } from 'zod';
import type { ProductRecord } from '../domain/catalog-command.ts';
import { degradedReasonSchema } from '../domain/group-state.ts';
import { IMAGE_FILE_KINDS } from '../domain/science-result.ts';
import { addProductInput } from './lineage.ts';
import { markCalibrated } from './ms-index.ts';
import { PRODUCT_STATUSES } from './products.ts';
import { type CatalogDatabase, jsonColumn, rowOf, rowsOf, runSql } from './statement.ts';
import { absolutePathSql, storedPath } from './storage-locations.ts';

export const imageRow = z.object({
  product_id: z.int(),
  group_id: z.string(),
  tier: z.string().nullable(),
  mid_mjd: z.number(),
  beam_major_arcsec: z.number(),
  beam_minor_arcsec: z.number(),
  beam_pa_deg: z.number(),
  noise_jy: z.number(),
  peak_jy: z.number(),
  dynamic_range: z.number(),
  centre_ra_deg: z.number(),
  centre_dec_deg: z.number(),
  width_px: z.int(),
  cell_arcsec: z.number(),
  freq_hz: z.number(),
  bandwidth_hz: z.number(),
  calibration_how: z.string(),
  qa_verdict: z.enum(['pass', 'warn', 'fail']),
  qa_checks: jsonColumn(z.array(z.looseObject({ name: z.string(), passed: z.boolean() }))),
});
/** With the part of its product row that a list shows. */
const imageListingRow = imageRow.extend({
  status: z.enum(PRODUCT_STATUSES),
  created_at: z.string(),
  degraded_reasons: jsonColumn(z.array(degradedReasonSchema)),
});
export type ImageListing = z.infer<typeof imageListingRow>;
export type ImageFileKind = (typeof IMAGE_FILE_KINDS)[number];

export const imageFileRow = z.object({ product_id: z.int(), kind: z.enum(IMAGE_FILE_KINDS), location: z.string(), path: z.string() });

export function writeImage(database: CatalogDatabase, productId: number, record: Extract<ProductRecord, { kind: 'image' }>): void {
  const { image, groupId } = record;
  const tier = z.object({ tier: z.string() }).safeParse(record.parameters);
  runSql(
    database,
    `INSERT OR REPLACE INTO images (product_id, group_id, tier, mid_mjd, beam_major_arcsec, beam_minor_arcsec, beam_pa_deg, noise_jy,
       peak_jy, dynamic_range, centre_ra_deg, centre_dec_deg, width_px, cell_arcsec, freq_hz, bandwidth_hz, calibration_how,
       qa_verdict, qa_checks)
     VALUES (:productId, :groupId, :tier, :midMjd, :beamMajorArcsec, :beamMinorArcsec, :beamPaDeg, :noiseJy,
       :peakJy, :dynamicRange, :centreRaDeg, :centreDecDeg, :widthPx, :cellArcsec, :freqHz, :bandwidthHz, :how,
       :qaVerdict, :qaChecks)`,
    {
      productId,
      groupId,
      tier: tier.success ? tier.data.tier : null,
      midMjd: image.midMjd,
      beamMajorArcsec: image.beamMajorArcsec,
      beamMinorArcsec: image.beamMinorArcsec,
      beamPaDeg: image.beamPaDeg,
      noiseJy: image.noiseJy,
      peakJy: image.peakJy,
      dynamicRange: image.dynamicRange,
      centreRaDeg: image.centreRaDeg,
      centreDecDeg: image.centreDecDeg,
      widthPx: image.widthPx,
      cellArcsec: image.cellArcsec,
      freqHz: image.freqHz,
      bandwidthHz: image.bandwidthHz,
      how: record.how,
      qaVerdict: image.qa.verdict,
      qaChecks: JSON.stringify(image.qa.checks),
    },
  );
  runSql(database, 'DELETE FROM image_files WHERE product_id = :productId', { productId });
  for (const kind of IMAGE_FILE_KINDS) {
    runSql(database, 'INSERT INTO image_files (product_id, kind, location, path) VALUES (:productId, :kind, :location, :path)', {
      productId,
      kind,
      ...storedPath(database, image.files[kind]),
    });
  }
  applyCalibration(database, productId, record);
}

function applyCalibration(database: CatalogDatabase, productId: number, record: Extract<ProductRecord, { kind: 'image' }>): void {
  runSql(database, 'DELETE FROM calibration_applied WHERE product_id = :productId', { productId });
  for (const setId of record.calibrationSetIds) {
    runSql(database, 'INSERT INTO calibration_applied (product_id, set_id, how) VALUES (:productId, :setId, :how)', {
      productId,
      setId,
      how: record.how,
    });
    const set = rowOf(database, z.object({ product_id: z.int() }), 'SELECT product_id FROM calibration_sets WHERE id = :setId', { setId });
    if (set !== null) addProductInput(database, productId, set.product_id);
  }
  if (record.calibrationSetIds.length === 0) return;
  for (const inputProductId of record.inputProductIds) markCalibrated(database, inputProductId);
}

const LISTING = 'SELECT i.*, p.status, p.created_at, p.degraded_reasons FROM images i JOIN products p ON p.id = i.product_id';

export interface ImageFilter {
  start?: number | undefined;
  end?: number | undefined;
  groupId?: string | undefined;
  verdict?: 'pass' | 'warn' | 'fail' | undefined;
  includeSuperseded?: boolean | undefined;
  /** Only images recorded before this product id. */
  beforeId?: number | undefined;
  limit: number;
}

/** Newest recorded first; times in MJD. */
export const listImages = (database: CatalogDatabase, filter: ImageFilter): ImageListing[] =>
  rowsOf(
    database,
    imageListingRow,
    `${LISTING} WHERE (:start IS NULL OR i.mid_mjd >= :start) AND (:end IS NULL OR i.mid_mjd < :end)
       AND (:groupId IS NULL OR i.group_id = :groupId) AND (:verdict IS NULL OR i.qa_verdict = :verdict)
       AND (:all = 1 OR p.status IN ('current', 'stale')) AND (:beforeId IS NULL OR i.product_id < :beforeId)
     ORDER BY i.product_id DESC LIMIT :limit`,
    {
      start: filter.start ?? null,
      end: filter.end ?? null,
      groupId: filter.groupId ?? null,
      verdict: filter.verdict ?? null,
      all: filter.includeSuperseded === true ? 1 : 0,
      beforeId: filter.beforeId ?? null,
      limit: filter.limit,
    },
  );

export const imageById = (database: CatalogDatabase, productId: number): ImageListing | null =>
  rowOf(database, imageListingRow, `${LISTING} WHERE i.product_id = :productId`, { productId });

/** Absolute paths by kind. */
export const imageFiles = (database: CatalogDatabase, productId: number): Partial<Record<ImageFileKind, string>> =>
  Object.fromEntries(
    rowsOf(
      database,
      imageFileRow,
      `SELECT f.product_id, f.kind, f.location, ${absolutePathSql('f', 'l')} AS path
       FROM image_files f JOIN storage_locations l ON l.name = f.location WHERE f.product_id = :productId`,
      { productId },
    ).map(({ kind, path }) => [kind, path]),
  );
