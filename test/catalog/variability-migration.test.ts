/** Light curves of the schema before flux scales keep their points, and get scales and variability at the next start. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { lightCurveOf } from '../../src/catalog/light-curve.ts';
import { migrate, readMigrations } from '../../src/catalog/migrate.ts';
import { settleVariability } from '../../src/catalog/settle-variability.ts';
import { variabilityOfSource } from '../../src/catalog/source-variability.ts';
import { AT } from './night.ts';

/** The last schema whose points had measured fluxes only. */
const BEFORE = 8;

test('points keep their number and flux; what did not count still does not; the common scale is made', () => {
  const folder = mkdtempSync(join(tmpdir(), 'variability-migration-'));
  const database = new Database(join(folder, 'pipeline.sqlite3'));
  migrate(database, folder, readMigrations().slice(0, BEFORE));
  database.exec(`
    INSERT INTO sources (id, name, ra_deg, dec_deg, catalogue, imported_at) VALUES (1, 'A', 1, 54, 'c', '${AT}'), (2, 'B', 2, 54, 'c', '${AT}'),
      (3, 'C', 3, 54, 'c', '${AT}');
    INSERT INTO storage_locations (name, root) VALUES ('output', '/data');
    INSERT INTO products (id, kind, group_id, location, path, content_hash, bytes, run_id, run_number, attempt, parameters, software,
        degraded_reasons, status, created_at)
      SELECT value, 'image', 'group ' || value, 'output', 'image ' || value, 'h', 1, 'r', 1, 1, '{}', '{}', '[]', 'current', '${AT}'
      FROM json_each('[1, 2, 3, 4]');
    INSERT INTO measurement_batches (id, group_id, run_number, image_product_id, digest, points, degraded_reasons, superseded, recorded_at)
      SELECT id, group_id, 1, id, 'd', 3, iif(id = 4, '["qa_warning"]', '[]'), 0, '${AT}' FROM products;
    INSERT INTO measurements (id, batch_id, source_id, image_product_id, mjd, flux_jy, error_jy, local_rms_jy, snr, pb_response, kind,
        upper_limit, degraded, flags, superseded)
      SELECT b.id * 10 + s.id, b.id, s.id, b.id, 60000 + b.id, s.id * (1 + b.id / 100.0), 0.01, 0.01, 100, 1, 'forced', 0, 0, '[]', 0
      FROM measurement_batches b, sources s`);
  migrate(database, folder);
  expect(settleVariability(database, { preset: 'moderate', at: AT })).toBe(3);
  const points = lightCurveOf(database, 2);
  expect(points.map(({ id, flux_jy: fluxJy }) => [id, fluxJy])).toEqual([1, 2, 3, 4].map((day) => [10 * day + 2, 2 * (1 + day / 100)]));
  // The images differ by 1 % each and agree on the common scale, which is that of the three that count: 2 Jy by 1.02.
  for (const point of points) expect(point.normalised_flux_jy).toBeCloseTo(2.04, 3);
  expect(variabilityOfSource(database, 2)?.n).toBe(3);
  database.close();
  rmSync(folder, { recursive: true });
});
