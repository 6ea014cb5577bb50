/**
 * Mosaics: what each shows and how deep it is, its files, every tile with its noise and weight, and every member left out with the reason.
 * A newer mosaic of a name supersedes the older; a superseded member makes its mosaics stale (products.ts).
 */
import { z } from 'zod';
import type { MosaicRecord } from '../domain/mosaic-record.ts';
import { MOSAIC_FILE_KINDS } from '../domain/mosaic-record.ts';
import { mosaicTierSchema } from '../domain/mosaic-tier.ts';
import { appendEvent } from './events.ts';
import { addProductInput } from './lineage.ts';
import { PRODUCT_STATUSES, supersede, writeProduct } from './products.ts';
import { booleanColumn, type CatalogDatabase, inTransaction, integer, jsonColumn, rowOf, rowsOf, runSql, valuesOf } from './statement.ts';
import { absolutePathSql, storedPath } from './storage-locations.ts';

export const mosaicRow = z.object({
  product_id: z.int(),
  name: z.string(),
  kind: z.enum(['hour', 'named']),
  tier: mosaicTierSchema,
  dec_deg: z.number(),
  start_mjd: z.number(),
  end_mjd: z.number(),
  tiles: z.int(),
  centre_ra_deg: z.number(),
  centre_dec_deg: z.number(),
  width_px: z.int(),
  height_px: z.int(),
  cell_arcsec: z.number(),
  area_deg2: z.number(),
  noise_jy: z.number(),
  best_noise_jy: z.number(),
  beam_major_arcsec: z.number(),
  beam_minor_arcsec: z.number(),
  beam_pa_deg: z.number(),
  freq_hz: z.number(),
  qa_verdict: z.enum(['pass', 'warn', 'fail']),
  qa_checks: jsonColumn(z.array(z.looseObject({ name: z.string(), value: z.number(), limit: z.number(), passed: z.boolean() }))),
  unchecked: jsonColumn(z.array(z.string())),
});
const listingRow = mosaicRow.extend({
  status: z.enum(PRODUCT_STATUSES),
  created_at: z.string(),
  parameters: jsonColumn(z.record(z.string(), z.unknown())),
});
export type MosaicListing = z.infer<typeof listingRow>;

export const mosaicMemberRow = z.object({
  product_id: z.int(),
  group_id: z.string(),
  image_product_id: z.int().nullable(),
  is_tile: booleanColumn,
  reason: z.string().nullable(),
  noise_jy: z.number().nullable(),
  weight_share: z.number().nullable(),
});
export type MosaicMemberRow = z.infer<typeof mosaicMemberRow>;

export const mosaicFileRow = z.object({ product_id: z.int(), kind: z.enum(MOSAIC_FILE_KINDS), location: z.string(), path: z.string() });

const LISTING = 'SELECT m.*, p.status, p.created_at, p.parameters FROM mosaics m JOIN products p ON p.id = m.product_id';

/** The mosaic that stands for a name: current, or stale and not yet made again. */
export const currentMosaic = (database: CatalogDatabase, name: string): MosaicListing | null =>
  rowOf(database, listingRow, `${LISTING} WHERE m.name = :name AND p.status IN ('current', 'stale') ORDER BY m.product_id DESC LIMIT 1`, {
    name,
  });

/** Latest observed first. */
export const listMosaics = (database: CatalogDatabase, limit: number): MosaicListing[] =>
  rowsOf(database, listingRow, `${LISTING} WHERE p.status IN ('current', 'stale') ORDER BY m.start_mjd DESC, m.name LIMIT :limit`, {
    limit,
  });

export const staleHourMosaics = (database: CatalogDatabase, limit: number): MosaicListing[] =>
  rowsOf(database, listingRow, `${LISTING} WHERE p.status = 'stale' AND m.kind = 'hour' ORDER BY m.product_id LIMIT :limit`, { limit });

export const membersOfMosaic = (database: CatalogDatabase, productId: number): MosaicMemberRow[] =>
  rowsOf(database, mosaicMemberRow, 'SELECT * FROM mosaic_members WHERE product_id = :productId ORDER BY is_tile DESC, group_id', {
    productId,
  });

/** Absolute paths by kind. */
export const mosaicFiles = (database: CatalogDatabase, productId: number): Record<string, string> =>
  Object.fromEntries(
    rowsOf(
      database,
      mosaicFileRow,
      `SELECT f.product_id, f.kind, f.location, ${absolutePathSql('f', 'l')} AS path
       FROM mosaic_files f JOIN storage_locations l ON l.name = f.location WHERE f.product_id = :productId`,
      { productId },
    ).map(({ kind, path }) => [kind, path]),
  );

/** Records a mosaic whole, in one transaction; told again, it changes nothing. */
export function recordMosaic(database: CatalogDatabase, record: MosaicRecord, at: string): number {
  return inTransaction(database, () => {
    const { result, runId, attempt, path, contentHash, bytes, parameters } = record;
    const { id, fresh } = writeProduct(
      database,
      {
        kind: 'mosaic',
        groupId: null,
        runId,
        runNumber: 1,
        attempt,
        path,
        contentHash,
        bytes,
        parameters,
        software: result.software ?? {},
        degradedReasons: [],
      },
      true,
      at,
    );
    if (!fresh) return id;
    for (const { imageProductId } of tilesOf(record)) addProductInput(database, id, imageProductId);
    writeRow(database, id, record);
    writeFiles(database, id, record);
    writeMembers(database, id, record);
    const older = `SELECT m.product_id FROM mosaics m JOIN products p ON p.id = m.product_id
      WHERE m.name = :name AND m.product_id <> :id AND p.status IN ('current', 'stale')`;
    for (const olderId of valuesOf(database, integer, older, { name: record.name, id })) supersede(database, olderId, id, at);
    staleWithMembers(database, id);
    appendEvent(database, { at, topic: 'product.created', groupId: null, payload: { product_id: id, kind: 'mosaic', name: record.name } });
    return id;
  });
}

/** A member that was superseded while the mosaic was being made: nobody else would mark it. */
function staleWithMembers(database: CatalogDatabase, id: number): void {
  runSql(
    database,
    `UPDATE products SET status = 'stale' WHERE id = :id AND EXISTS (
       SELECT 1 FROM product_inputs i JOIN products p ON p.id = i.input_product_id WHERE i.product_id = :id AND p.status <> 'current')`,
    { id },
  );
}

const tilesOf = ({ members, result }: MosaicRecord): MosaicRecord['members'] => {
  const tiles = new Set(result.tiles.map((tile) => tile.id));
  return members.filter(({ imageProductId }) => tiles.has(String(imageProductId)));
};

function writeRow(database: CatalogDatabase, id: number, record: MosaicRecord): void {
  const { result } = record;
  const row = {
    product_id: id,
    name: record.name,
    kind: record.kind,
    tier: record.tier,
    dec_deg: record.decDeg,
    start_mjd: record.startMjd,
    end_mjd: record.endMjd,
    tiles: result.tiles.length,
    centre_ra_deg: result.centreRaDeg,
    centre_dec_deg: result.centreDecDeg,
    width_px: result.widthPx,
    height_px: result.heightPx,
    cell_arcsec: result.cellArcsec,
    area_deg2: result.areaDeg2,
    noise_jy: result.noiseJy,
    best_noise_jy: result.bestNoiseJy,
    beam_major_arcsec: result.beamMajorArcsec,
    beam_minor_arcsec: result.beamMinorArcsec,
    beam_pa_deg: result.beamPaDeg,
    freq_hz: result.freqHz,
    qa_verdict: result.qa.verdict,
    qa_checks: JSON.stringify(result.qa.checks),
    unchecked: JSON.stringify(result.unchecked),
  } satisfies Record<keyof typeof mosaicRow.shape, string | number>;
  const columns = Object.keys(row);
  runSql(database, `INSERT OR REPLACE INTO mosaics (${columns.join(', ')}) VALUES (${columns.map((name) => `:${name}`).join(', ')})`, row);
}

function writeFiles(database: CatalogDatabase, productId: number, { result }: MosaicRecord): void {
  runSql(database, 'DELETE FROM mosaic_files WHERE product_id = :productId', { productId });
  for (const kind of MOSAIC_FILE_KINDS) {
    runSql(database, 'INSERT INTO mosaic_files (product_id, kind, location, path) VALUES (:productId, :kind, :location, :path)', {
      productId,
      kind,
      ...storedPath(database, result.files[kind]),
    });
  }
}

function writeMembers(database: CatalogDatabase, productId: number, record: MosaicRecord): void {
  const { result } = record;
  runSql(database, 'DELETE FROM mosaic_members WHERE product_id = :productId', { productId });
  const insert = (row: Omit<MosaicMemberRow, 'product_id' | 'is_tile'>): void => {
    runSql(
      database,
      `INSERT INTO mosaic_members (product_id, group_id, image_product_id, is_tile, reason, noise_jy, weight_share)
       VALUES (:productId, :group_id, :image_product_id, :reason IS NULL, :reason, :noise_jy, :weight_share)`,
      { productId, ...row },
    );
  };
  const total = result.tiles.reduce((sum, tile) => sum + tile.weightSum, 0);
  const tiles = new Map(result.tiles.map((tile) => [tile.id, tile]));
  const refused = new Map(result.leftOut.map((one) => [one.id, one.reason]));
  for (const { groupId, imageProductId } of record.members) {
    const tile = tiles.get(String(imageProductId));
    insert({
      group_id: groupId,
      image_product_id: imageProductId,
      reason: tile === undefined ? (refused.get(String(imageProductId)) ?? 'the program gave no reason') : null,
      noise_jy: tile?.noiseJy ?? null,
      weight_share: tile === undefined ? null : tile.weightSum / total,
    });
  }
  for (const { groupId, imageProductId, reason } of record.leftOut) {
    insert({ group_id: groupId, image_product_id: imageProductId, reason, noise_jy: null, weight_share: null });
  }
}
