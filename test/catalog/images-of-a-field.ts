/** A field measured again and again, for tests: images with a flux scale of their own, recorded in any order. */
import { recordBatch } from '../../src/catalog/measurements.ts';
import { recordProduct } from '../../src/catalog/product-record.ts';
import type { CatalogDatabase } from '../../src/catalog/database.ts';
import type { MeasurementLine } from '../../src/domain/science-result.ts';
import { AT, foundGroup, imageRecord } from './night.ts';

export interface FieldImage {
  day: number;
  /** What the image makes of a flux of 1 Jy. */
  scale: number;
  run?: number;
  degradedReasons?: string[];
  /** Id of the first source; 1 when absent. */
  firstSource?: number;
  /** True flux of each source, ids in sequence. */
  fluxesJy: readonly number[];
  errorJy?: number;
  flagsOf?: (sourceId: number) => string[];
}

export const FIRST_MJD = 60_950;

/** `noise`: in errors, of each source on each day. */
export function recordImage(
  database: CatalogDatabase,
  image: FieldImage,
  noise: (sourceId: number, day: number) => number = () => 0,
): void {
  const { day, run = 1, scale, fluxesJy, errorJy = 0.01, degradedReasons = [], firstSource = 1 } = image;
  const { groupId } = foundGroup(database, new Date(Date.parse('2025-10-05T12:00:00Z') + day * 86_400_000).toISOString());
  const path = `/data/products/images/${groupId}.v${run}`;
  const imageProductId = recordProduct(
    database,
    imageRecord(groupId, { runNumber: run, runId: `run-${run}`, path, contentHash: path }),
    AT,
  );
  const lines = fluxesJy.map((trueJy, index): MeasurementLine => {
    const sourceId = index + firstSource;
    const fluxJy = scale * trueJy + errorJy * noise(sourceId, day);
    return {
      sourceId,
      mjd: FIRST_MJD + day,
      fluxJy,
      errorJy,
      localRmsJy: errorJy,
      snr: fluxJy / errorJy,
      pbResponse: 0.9,
      chi2: 1,
      kind: 'forced',
      upperLimit: fluxJy < 3 * errorJy,
      flags: image.flagsOf?.(sourceId) ?? [],
    };
  });
  recordBatch(database, { groupId, runNumber: run, imageProductId, digest: path, degradedReasons, lines, at: AT });
}

/** A fixed generator (mulberry32) and Box-Muller: the same sky in every run. */
export function gaussian(seed: number): () => number {
  let state = seed;
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}
