/**
 * Sources that blind finding brought in. A find is a known source when it lies within its reach (a third of the beam, or three
 * standard deviations of both places), else it becomes a source of its own that is monitored from then on. Until two groups have
 * seen it, it is unconfirmed: it has a light curve and is nobody's candidate.
 * Sources farther apart than their reach come out the same in any order of images; name and place are those of the first recorded.
 */
import { z } from 'zod';
import type { BlindLine } from '../domain/science-result.ts';
import { sourceName } from '../domain/source-name.ts';
import { standingSchema } from '../domain/source-standing.ts';
import { type NearSource, sourceByName, sourcesNear, upsertSource } from './sources.ts';
import { type CatalogDatabase, idsJson, integer, rowsOf, runSql, valueOf } from './statement.ts';

export const foundSourceRow = z.object({
  source_id: z.int(),
  position_error_arcsec: z.number(),
  image_product_id: z.int(),
  found_at: z.string(),
});

/** In place of a catalogue's name. */
const FOUND_BLIND = 'found blind';

const REACH = { beams: 1 / 3, sigma: 3 } as const;
/** A point that counts as having seen the source; and how many groups must have. */
const CONFIRMATION = { snr: 5, groups: 2 } as const;

export type Associated = BlindLine & { sourceId: number };

/**
 * Each find with its source, new ones made; the brighter of two finds of one source in an image is kept. `mayCreate` is false for
 * images that count no more: what they alone showed is dropped. The caller holds a transaction.
 */
export function associate(
  database: CatalogDatabase,
  finds: readonly BlindLine[],
  image: { productId: number; mayCreate: boolean; at: string },
): Associated[] {
  const taken = new Map<number, Associated>();
  for (const find of finds.toSorted((one, other) => other.snr - one.snr || one.raDeg - other.raDeg || one.decDeg - other.decDeg)) {
    const sourceId = sourceWithinReach(database, find) ?? (image.mayCreate ? create(database, find, image) : null);
    if (sourceId !== null && !taken.has(sourceId)) taken.set(sourceId, { ...find, sourceId });
  }
  return [...taken.values()];
}

function sourceWithinReach(database: CatalogDatabase, find: BlindLine): number | null {
  const { raDeg, decDeg, beamArcsec } = find;
  // No reach is longer: a place that is worse than a third of the beam was no detection.
  const near = sourcesNear(database, { raDeg, decDeg, radiusDeg: beamArcsec / 3600 });
  const errors = new Map(
    rowsOf(database, foundSourceRow, 'SELECT * FROM found_sources WHERE source_id IN (SELECT value FROM json_each(:ids))', {
      ids: idsJson(near.map((source) => source.sourceId)),
    }).map((row) => [row.source_id, row.position_error_arcsec]),
  );
  const isWithin = ({ sourceId, separationDeg }: NearSource): boolean =>
    separationDeg * 3600 <=
    Math.max(REACH.beams * beamArcsec, REACH.sigma * Math.hypot(find.positionErrorArcsec, errors.get(sourceId) ?? 0));
  return near.find(isWithin)?.sourceId ?? null;
}

/** Its flux stays unknown to the catalogue: what one noisy image says must subtract nothing and check no flux scale. */
function create(database: CatalogDatabase, find: BlindLine, { productId, at }: { productId: number; at: string }): number {
  const { raDeg, decDeg } = find;
  const name = sourceName(raDeg, decDeg);
  upsertSource(database, { name, raDeg, decDeg, fluxJy: null, spectralIndex: null }, FOUND_BLIND, at);
  const sourceId = sourceByName(database, name)?.id;
  if (sourceId === undefined) throw new Error(`source ${name} is not there after it was written`);
  runSql(database, 'INSERT INTO found_sources VALUES (:sourceId, :error, :productId, :at)', {
    sourceId,
    error: find.positionErrorArcsec,
    productId,
    at,
  });
  return sourceId;
}

export const countFoundOn = (database: CatalogDatabase, imageProductId: number): number =>
  valueOf(database, integer, 'SELECT COUNT(*) FROM found_sources WHERE image_product_id = :imageProductId', { imageProductId }) ?? 0;

/** SQL over a source `s`: how it became known, and whether it may be believed. */
export const STANDING = `CASE WHEN NOT EXISTS (SELECT 1 FROM found_sources f WHERE f.source_id = s.id) THEN 'catalogue'
  WHEN (SELECT COUNT(DISTINCT b.group_id) FROM measurements m JOIN measurement_batches b ON b.id = m.batch_id
    WHERE m.source_id = s.id AND m.superseded = 0 AND m.snr >= ${CONFIRMATION.snr} AND (m.counts = 1 OR m.kind = 'blind'))
    >= ${CONFIRMATION.groups} THEN 'confirmed' ELSE 'unconfirmed' END`;

export const mayBeCandidate = (database: CatalogDatabase, sourceId: number): boolean =>
  valueOf(database, standingSchema, `SELECT ${STANDING} FROM sources s WHERE s.id = :sourceId`, { sourceId }) !== 'unconfirmed';
