/** Sources that no catalogue has: found once, monitored from then on, never twice, and nobody's candidate until seen again. */
import { shuffledSubarray, assert, property, tuple, constant, array, double } from 'fast-check';
import { listCandidates } from '../../src/catalog/candidates.ts';
import { lightCurveOf } from '../../src/catalog/light-curve.ts';
import { type RecordedBatch, recordBatch } from '../../src/catalog/measurements.ts';
import { recordProduct } from '../../src/catalog/product-record.ts';
import { importSources } from '../../src/catalog/source-import.ts';
import { listSources } from '../../src/catalog/source-variability.ts';
import { sourceByName } from '../../src/catalog/sources.ts';
import type { BlindLine, MeasurementLine } from '../../src/domain/science-result.ts';
import { FIRST_MJD, recordImage } from './images-of-a-field.ts';
import { AT, type OpenNight, foundGroup, imageRecord, openNight } from './night.ts';

let night: OpenNight;
beforeEach(() => {
  night = openNight();
});
afterEach(() => night.close());

const BEAM_ARCSEC = 30;
const fitted = { errorJy: 0.001, localRmsJy: 0.001, pbResponse: 1, chi2: 1, upperLimit: false, flags: [] };

/** A find so many arcseconds east and north of 10°, 54°. */
const find = (eastArcsec: number, northArcsec: number, snr = 8): BlindLine => ({
  kind: 'blind',
  raDeg: 10 + eastArcsec / 3600 / Math.cos((54 * Math.PI) / 180),
  decDeg: 54 + northArcsec / 3600,
  positionErrorArcsec: BEAM_ARCSEC / 2.355 / snr,
  beamArcsec: BEAM_ARCSEC,
  mjd: FIRST_MJD,
  fluxJy: snr / 1000,
  snr,
  ...fitted,
});

const forced = (sourceId: number, fluxJy: number): MeasurementLine => ({
  kind: 'forced',
  sourceId,
  mjd: FIRST_MJD,
  fluxJy,
  snr: fluxJy / 0.001,
  ...fitted,
});

function record(day: number, lines: MeasurementLine[], run = 1): RecordedBatch {
  const { groupId } = foundGroup(night.database, new Date(Date.parse('2025-10-05T12:00:00Z') + day * 86_400_000).toISOString());
  const path = `/data/products/images/${groupId}.v${run}`;
  const imageProductId = recordProduct(
    night.database,
    imageRecord(groupId, { runNumber: run, runId: `run-${run}`, path, contentHash: path }),
    AT,
  );
  const dated = lines.map((line) => ({ ...line, mjd: FIRST_MJD + day }));
  return recordBatch(night.database, { groupId, runNumber: run, imageProductId, digest: path, degradedReasons: [], lines: dated, at: AT });
}

const sources = () => listSources(night.database, { by: 'name', limit: 100, offset: 0 }).sources;

test('a transient that no catalogue has is found once, named by its place, and gets a light curve', () => {
  expect(record(0, [find(0, 0)])).toMatchObject({ points: 1, newSources: 1 });
  const [source] = sources();
  // 10° is 0 h 40 min.
  expect(source).toMatchObject({ name: 'DSA J004000.0+540000', flux_jy: null, standing: 'unconfirmed' });
  const id = source?.id ?? 0;
  record(1, [forced(id, 0.007)]);
  record(2, [forced(id, 0.0002), find(3, -2, 6)]);
  expect(sources().map((one) => [one.id, one.standing])).toEqual([[id, 'confirmed']]);
  expect(lightCurveOf(night.database, id).map((point) => [point.kind, point.flux_jy])).toEqual([
    ['blind', 0.008],
    ['forced', 0.007],
    ['forced', 0.0002],
    ['blind', 0.006],
  ]);
});

test('the discovery, which was chosen for being bright, counts in no mean', () => {
  record(0, [find(0, 0)]);
  expect(sources()).toMatchObject([{ n: null }]);
});

test('what is within reach of a catalogue source is that source, what is beyond is not', () => {
  importSources(night.database, { name: 'test', csv: 'name,ra_deg,dec_deg\nKNOWN,10,54\n', at: AT });
  const known = sourceByName(night.database, 'KNOWN')?.id ?? 0;
  expect(record(0, [find(9, 0)])).toMatchObject({ newSources: 0 });
  expect(lightCurveOf(night.database, known).map((point) => point.kind)).toEqual(['blind']);
  expect(record(1, [find(16, 0)])).toMatchObject({ newSources: 1 });
  expect(
    sources()
      .map((source) => source.standing)
      .sort(),
  ).toEqual(['catalogue', 'unconfirmed']);
});

test('two finds within reach of each other in one image are one source, with the brighter of the two', () => {
  expect(record(0, [find(6, 0, 6), find(0, 0, 9), find(60, 0, 5)])).toMatchObject({ newSources: 2 });
  const [first] = sources().filter((source) => source.name === 'DSA J004000.0+540000');
  expect(lightCurveOf(night.database, first?.id ?? 0).map((point) => point.snr)).toEqual([9]);
});

test('the same file again, and an older run that comes late, make no source', () => {
  expect(record(0, [find(0, 0)], 2)).toMatchObject({ newSources: 1 });
  expect(record(0, [find(0, 0)], 2)).toMatchObject({ newSources: 1 });
  expect(record(0, [find(0, 0), find(300, 0)], 1)).toMatchObject({ newSources: 0 });
  expect(sources()).toHaveLength(1);
});

test('images in any order give the same sources', () => {
  const apartArcsec = 3 * BEAM_ARCSEC;
  // Scatter of a find at 8σ is 1.6″; two of those in each coordinate, which keeps any two within the reach of 10″.
  const scatter = array(tuple(double({ min: -3.4, max: 3.4, noNaN: true }), double({ min: -3.4, max: 3.4, noNaN: true })), {
    minLength: 15,
    maxLength: 15,
  });
  assert(
    property(
      scatter.chain((offsets) =>
        tuple(constant(offsets), shuffledSubarray([0, 1, 2, 3, 4], { minLength: 5 }), shuffledSubarray([0, 1, 2, 3, 4], { minLength: 5 })),
      ),
      ([offsets, ...orders]) => {
        const memberships = orders.map((days) => {
          night.close();
          night = openNight();
          for (const day of days) {
            const finds = [0, 1, 2].map((source) => {
              const [east = 0, north = 0] = offsets[day * 3 + source] ?? [];
              return find(source * apartArcsec + east, north);
            });
            record(day, finds);
          }
          // The place to 30″: the name of a source is that of its first image.
          return sources().map(({ id, ra_deg }) => [
            Math.abs(Math.round(((ra_deg - 10) * 3600 * Math.cos((54 * Math.PI) / 180)) / BEAM_ARCSEC)),
            ...lightCurveOf(night.database, id).map((point) => [point.mjd, point.flux_jy]),
          ]);
        });
        expect(memberships[0]).toHaveLength(3);
        expect(memberships[1]).toEqual(memberships[0]);
      },
    ),
    { numRuns: 6, endOnFailure: true },
  );
});

test('a source seen in one group is no candidate however its points scatter, and is one when another group sees it', () => {
  record(0, [find(0, 0, 12)]);
  const id = sources()[0]?.id ?? 0;
  const flare = (day: number, fluxJy: number, run = 1): void =>
    recordImage(night.database, { day, run, scale: 1, firstSource: id, fluxesJy: [fluxJy], errorJy: 0.001 });
  // The group that found it runs again and measures the same noise peak at the place it chose.
  flare(0, 0.012, 2);
  for (const day of [1, 2, 3, 4]) flare(day, 0.0005);
  expect(listCandidates(night.database, null)).toEqual([]);
  flare(5, 0.012);
  expect(listCandidates(night.database, null).map((candidate) => candidate.source_id)).toEqual([id]);
});
