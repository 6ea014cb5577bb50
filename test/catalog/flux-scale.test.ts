/** Images on one flux scale: what an image gets wrong as a whole is taken out, and nothing depends on the order of arrival. */
import { array, assert, constant, double, property, shuffledSubarray, tuple } from 'fast-check';
import { listCandidates } from '../../src/catalog/candidates.ts';
import { type FluxRatio, fluxScaleOf } from '../../src/catalog/flux-scale.ts';
import { lightCurveOf } from '../../src/catalog/light-curve.ts';
import { settleVariability } from '../../src/catalog/settle-variability.ts';
import { variabilityOfSource } from '../../src/catalog/source-variability.ts';
import { type FieldImage, gaussian, recordImage } from './images-of-a-field.ts';
import { AT, importGrid, type OpenNight, openNight } from './night.ts';

const ratios = (...values: number[]): FluxRatio[] => values.map((ratio) => ({ ratio, error: 0.01 }));

test('the scale is the median of what agrees; one that has doubled does not move it', () => {
  expect(fluxScaleOf(ratios(0.98, 1.0, 1.02, 2))?.scale).toBeCloseTo(1, 10);
  expect(fluxScaleOf(ratios(0.98, 1.0, 1.02, 2))?.references).toBe(3);
  expect(fluxScaleOf(ratios(1.1, 1.1, 1.1))).toMatchObject({ scale: 1.1, references: 3 });
});

test('fewer than three references, or three that one clip leaves two of, give no scale', () => {
  expect(fluxScaleOf(ratios(1, 1.01))).toBeNull();
  expect(fluxScaleOf(ratios(1, 1.01, 5))).toBeNull();
});

test('the error covers the scatter of the references and never claims more than their own errors allow', () => {
  assert(
    property(array(double({ min: 0.9, max: 1.1, noNaN: true }), { minLength: 5, maxLength: 40 }), (values) => {
      const error = fluxScaleOf(ratios(...values))?.error ?? Number.POSITIVE_INFINITY;
      expect(error).toBeGreaterThanOrEqual((0.0125 * (1 - 1e-9)) / Math.sqrt(values.length));
    }),
    { numRuns: 100 },
  );
});

let night: OpenNight;
beforeEach(() => {
  night = openNight();
  importGrid(night.database, 8);
});
afterEach(() => night.close());

const FLUXES = [1, 0.8, 0.5, 1.2, 0.6, 0.9, 2, 0.7];
const STEADY = [1, 2, 3, 4, 5, 6];
/** Fourteen days, more than the ten that a reference is made of. */
const SCALES = [1, 0.96, 1.05, 0.93, 1.02, 1.08, 0.98, 1.0, 0.9, 1.1, 0.97, 1.12, 0.88, 1.03];
const noise = ((): ((sourceId: number, day: number) => number) => {
  const next = gaussian(11);
  const drawn = Array.from({ length: 20 * 10 }, next);
  return (sourceId, day) => drawn[day * 10 + sourceId] ?? 0;
})();
/** Source 7 doubles on the last four days. */
const images: FieldImage[] = SCALES.map((scale, day) => ({
  day,
  scale,
  fluxesJy: FLUXES.map((flux, index) => (index === 6 && day >= 10 ? 2 * flux : flux)),
}));

test('a scale error of each image is taken out of its points, and the measured flux stays as it was', () => {
  for (const image of images) recordImage(night.database, image, noise);
  for (const sourceId of STEADY) {
    const points = lightCurveOf(night.database, sourceId);
    const mean = variabilityOfSource(night.database, sourceId)?.mean_flux_jy ?? 0;
    for (const [day, point] of points.entries()) {
      expect(point.flux_jy).toBeCloseTo((SCALES[day] ?? 0) * (FLUXES[sourceId - 1] ?? 0) + 0.01 * noise(sourceId, day), 12);
      // Four of its quoted errors: 84 points are looked at.
      expect(Math.abs((point.normalised_flux_jy ?? 0) - mean)).toBeLessThan(4 * (point.normalised_error_jy ?? 0));
    }
    expect(variabilityOfSource(night.database, sourceId)).toMatchObject({ is_variable: false });
  }
  expect(listCandidates(night.database, null).map((found) => [found.source_id, found.ese_shape])).toEqual([[7, expect.any(String)]]);
});

test('an image without enough references keeps its measured fluxes and says why it has no other', () => {
  for (const image of images.slice(0, 2)) recordImage(night.database, image, noise);
  expect(lightCurveOf(night.database, 1).map((point) => point.normalised_flux_jy)).toEqual([null, null]);
  const notes = night.database.prepare('SELECT scale_note FROM measurement_batches').pluck().all();
  expect(notes).toEqual(Array(2).fill('0 steady, isolated sources with a history; 3 that agree are needed'));
  // The third epoch gives the sources a history, and the first two images their scale.
  recordImage(night.database, images[2] ?? { day: 2, scale: 1, fluxesJy: [] }, noise);
  expect(lightCurveOf(night.database, 1).map((point) => point.normalised_flux_jy)).not.toContain(null);
});

test('sources that are fitted together with a neighbour are no references', () => {
  for (const image of images.slice(0, 4)) recordImage(night.database, { ...image, flagsOf: (id) => (id > 2 ? ['joint'] : []) }, noise);
  expect(lightCurveOf(night.database, 1).map((point) => point.normalised_flux_jy)).toEqual([null, null, null, null]);
});

/** What a reader sees, apart from ids and clocks. */
function seen(database: OpenNight['database']): unknown[] {
  const all = (sql: string): unknown[] => database.prepare(sql).all();
  return [
    ...all(`SELECT source_id, mjd, flux_jy, normalised_flux_jy, normalised_error_jy, counts FROM measurements WHERE superseded = 0
      ORDER BY source_id, mjd`),
    ...all(
      'SELECT group_id, flux_scale, flux_scale_error, scale_references, scale_note FROM measurement_batches WHERE superseded = 0 ORDER BY 1',
    ),
    ...all('SELECT * FROM flux_references ORDER BY source_id'),
    ...all('SELECT source_id, preset FROM candidates ORDER BY source_id'),
    ...all(
      'SELECT source_id, n, round(eta, 6), round(ese_score, 6), ese_shape, round(two_epoch_vs, 6), is_variable FROM variability ORDER BY 1',
    ),
  ];
}

test('images in any order, one of them doubtful, two of them measured twice, give the same numbers', () => {
  const told: FieldImage[] = [
    ...images.map((image) => (image.day === 3 ? { ...image, degradedReasons: ['qa_warning'] } : image)),
    { ...images[1], day: 1, run: 2, scale: 1.04, fluxesJy: FLUXES },
    { ...images[12], day: 12, run: 2, scale: 0.99, fluxesJy: FLUXES },
  ];
  for (const image of told) recordImage(night.database, image, noise);
  const straight = seen(night.database);
  assert(
    property(tuple(constant(told), shuffledSubarray(told, { minLength: told.length })), ([, shuffled]) => {
      const other = openNight();
      try {
        importGrid(other.database, 8);
        for (const image of shuffled) recordImage(other.database, image, noise);
        expect(seen(other.database)).toEqual(straight);
      } finally {
        other.close();
      }
    }),
    { numRuns: 6 },
  );
}, 60_000);

test('made again from the points alone, as after a change of schema, the numbers are the same', () => {
  for (const image of images) recordImage(night.database, image, noise);
  const before = seen(night.database);
  night.database.exec(`DELETE FROM variability; DELETE FROM flux_references; DELETE FROM candidates;
    UPDATE measurements SET normalised_flux_jy = NULL, normalised_error_jy = NULL;
    UPDATE measurement_batches SET flux_scale = NULL, flux_scale_error = NULL, scale_references = 0, scale_note = 'not looked at yet'`);
  expect(settleVariability(night.database, { preset: 'moderate', at: AT })).toBe(8);
  expect(seen(night.database)).toEqual(before);
  expect(settleVariability(night.database, { preset: 'moderate', at: AT })).toBe(0);
});
