/**
 * A product database with years of light curves in it, written in bulk: fields of 1,000 sources, each imaged so many times,
 * and one source that is in every image. What it holds is what the catalog's own commands would have left.
 */
import { updateReferences } from '../../src/catalog/flux-references.ts';
import { recordBatch } from '../../src/catalog/measurements.ts';
import { recordProduct } from '../../src/catalog/product-record.ts';
import { recompute } from '../../src/catalog/source-variability.ts';
import { inTransaction } from '../../src/catalog/statement.ts';
import { AT, foundGroup, imageRecord, importGrid, type OpenNight, openNight } from './night.ts';

export const FIELD = 1000;
const FIRST_MJD = 60_000;

/** `epochs` images of each of `fields` fields. The source after the last field is in all of them. */
export function manyPoints(size: { fields: number; epochs: number }): OpenNight & { longSource: number } {
  const night = openNight();
  const { database } = night;
  const longSource = size.fields * FIELD + 1;
  importGrid(database, longSource);
  const counts = { ...size, field: FIELD, longSource, images: size.fields * size.epochs };
  // As a JavaScript number, a count would be bound as REAL.
  const parameters = { ...mapValues(counts, BigInt), first: FIRST_MJD, at: AT };
  database.exec('DROP INDEX measurements_by_id; DROP INDEX measurements_by_batch');
  const run = (sql: string): unknown => database.prepare(sql).run(parameters);
  run(`INSERT INTO products (id, kind, group_id, location, path, content_hash, bytes, run_id, run_number, attempt, parameters, software,
      degraded_reasons, status, created_at)
    WITH RECURSIVE i (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM i WHERE n < :images)
    SELECT n, 'image', 'group ' || n, 'output', 'images/' || n, 'hash', 1, 'run', 1, 1, '{}', '{}', '[]', 'current', :at FROM i`);
  run(`INSERT INTO measurement_batches (id, group_id, run_number, image_product_id, digest, points, degraded_reasons, superseded, recorded_at,
      flux_scale, flux_scale_error, scale_references, scale_note)
    SELECT id, group_id, 1, id, 'digest ' || id, :field + 1, '[]', 0, :at, 1, 0.001, :field, NULL FROM products`);
  // Epoch e of field f is image e·fields + f + 1, and has points of the field's sources and of the one that is in all.
  const point = (source: string, image: string, place: string): string => `((${image} - 1) * (:field + 1) + ${place}), ${image}, ${source},
    ${image}, :first + ${image} * 0.1, 1 + ${noise(source, image)}, 0.01, 1 + ${noise(source, image)}, 0.01, 0.001, 100, 0.9, 1, 'forced', 0, 0,
    '[]', 0, 1`;
  const columns = `(id, batch_id, source_id, image_product_id, mjd, flux_jy, error_jy, normalised_flux_jy, normalised_error_jy, local_rms_jy,
    snr, pb_response, chi2, kind, upper_limit, degraded, flags, superseded, counts)`;
  run(`INSERT INTO measurements ${columns} WITH RECURSIVE e (n) AS (VALUES (0) UNION ALL SELECT n + 1 FROM e WHERE n < :epochs - 1)
    SELECT ${point('s.id', '(e.n * :fields + (s.id - 1) / :field + 1)', '((s.id - 1) % :field + 1)')}
    FROM sources s CROSS JOIN e WHERE s.id < :longSource`);
  run(`INSERT INTO measurements ${columns} WITH RECURSIVE i (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM i WHERE n < :images)
    SELECT ${point(':longSource', 'i.n', '(:field + 1)')} FROM i`);
  database.exec(
    `CREATE UNIQUE INDEX measurements_by_id ON measurements (id); CREATE INDEX measurements_by_batch ON measurements (batch_id)`,
  );
  const sources = Array.from({ length: longSource }, (_, index) => index + 1);
  inTransaction(database, () => {
    updateReferences(database, new Map(sources.map((id) => [id, FIRST_MJD])));
    for (const id of sources) recompute(database, id, AT);
  });
  return { ...night, longSource };
}

const mapValues = <From, To>(record: Record<string, From>, to: (value: From) => To): Record<string, To> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, to(value)]));

/** Between −1 and 1 per cent, of no pattern that matters here. */
const noise = (source: string, image: string): string => `((${source} * 7919 + ${image} * 104729) % 2001 - 1000) * 1e-5`;

/** Adds one more image of field 0, `day` days after the first; answers how long it took, alone. */
export function addImage({ database }: OpenNight, day: number): { wallMs: number; processorMs: number } {
  const { groupId } = foundGroup(database, new Date(Date.parse('2025-10-05T12:00:00Z') + day * 86_400_000).toISOString());
  const imageProductId = recordProduct(database, imageRecord(groupId), AT);
  const mjd = FIRST_MJD + 10_000 + day;
  const always = { mjd, errorJy: 0.01, localRmsJy: 0.001, snr: 100, pbResponse: 0.9, chi2: 1, upperLimit: false, flags: [] };
  const lines = Array.from({ length: FIELD }, (_, index) => ({
    ...always,
    sourceId: index + 1,
    fluxJy: 1 + ((index * 31 + day * 7) % 21) / 1000,
    kind: 'forced' as const,
  }));
  const before = process.cpuUsage();
  const startedMs = performance.now();
  recordBatch(database, { groupId, runNumber: 1, imageProductId, digest: groupId, degradedReasons: [], lines, at: AT });
  const wallMs = performance.now() - startedMs;
  const { user, system } = process.cpuUsage(before);
  return { wallMs, processorMs: (user + system) / 1000 };
}
