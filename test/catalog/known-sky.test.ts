/** What science programs are told of the sky: monitored sources, and those of one survey that nobody monitors. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { assert, double, property } from 'fast-check';
import { sourcePositionsCsv, surveyVersion } from '../../activities/source-positions.ts';
import { importCatalogue } from '../../src/catalog/catalogue-import.ts';
import { openForReading } from '../../src/catalog/database.ts';
import { knownSky } from '../../src/catalog/known-sky.ts';
import { importSources } from '../../src/catalog/source-import.ts';
import { distanceFromDeg } from '../../src/catalog/sources.ts';
import { flagsOf, hostDependencies } from '../activities/host-dependencies.ts';
import { AT, type OpenNight, openNight } from './night.ts';

let night: OpenNight;
beforeEach(() => {
  night = openNight();
});
afterEach(() => night.close());

type Entry = { name: string; raDeg: number; decDeg: number; fluxJy: number | null; spectralIndex?: number };

function takeSurvey(entries: Entry[], catalogue = 'nvss', letter = 'a') {
  const sourcesFile = join(night.folder, `${letter}.jsonl`);
  const lines = entries.map(({ name, raDeg, decDeg, fluxJy, spectralIndex }, index) =>
    JSON.stringify([index + 1, name, raDeg, decDeg, fluxJy, fluxJy, spectralIndex ?? null]),
  );
  writeFileSync(sourcesFile, `${lines.join('\n')}\n`);
  const counts = { bytes: 1, sources: entries.length, withoutFlux: 0, leftOut: 0, leftOutBecause: null };
  const read = {
    sourcesFile,
    sha256: letter.repeat(64),
    columns: {},
    frequencyHz: 1.4e9,
    assumedSpectralIndex: null,
    timingsS: {},
    ...counts,
  };
  return importCatalogue(night.database, { catalogue, format: 'nvss', fileName: letter, read, at: AT, by: 'observer' });
}
const monitor = (lines: string) =>
  importSources(night.database, { name: 'test', csv: `name,ra_deg,dec_deg,flux_jy,spectral_index\n${lines}\n`, at: AT });
const FIELD = { raDeg: 10, decDeg: 54, radiusDeg: 2 };
const known = (cone = FIELD) => knownSky(night.database, cone, 'nvss');
const ARCSEC = 1 / 3600;

test('a source of the survey is known where nobody monitors one, and has no id', async () => {
  monitor('M,10,54,1.5,-0.7');
  await takeSurvey([
    { name: 'far', raDeg: 12, decDeg: 55, fluxJy: 0.2, spectralIndex: -1 },
    { name: 'beyond', raDeg: 10, decDeg: 57, fluxJy: 9 },
    { name: 'no flux', raDeg: 10.1, decDeg: 54, fluxJy: null },
  ]);
  expect(known()).toMatchObject([
    { sourceId: 1, name: 'M', fluxJy: 1.5 },
    { sourceId: null, name: 'far', fluxJy: 0.2, spectralIndex: -1 },
  ]);
});

test('what is monitored is known once, with the flux of its own list', async () => {
  monitor('M,10,54,1.5,-0.7');
  await takeSurvey([
    { name: 'same', raDeg: 10, decDeg: 54 + 29 * ARCSEC, fluxJy: 2 },
    { name: 'next', raDeg: 10, decDeg: 54 + 31 * ARCSEC, fluxJy: 0.1 },
  ]);
  expect(known()).toMatchObject([
    { name: 'M', fluxJy: 1.5, spectralIndex: -0.7 },
    { name: 'next', fluxJy: 0.1 },
  ]);
});

test('a monitored source whose list has no flux takes that of the survey, parts of a double added up', async () => {
  monitor('M,10,54,,\nLONE,11,54,,');
  await takeSurvey([
    { name: 'lobe', raDeg: 10, decDeg: 54 + 8 * ARCSEC, fluxJy: 0.5, spectralIndex: -1.1 },
    { name: 'other lobe', raDeg: 10, decDeg: 54 - 8 * ARCSEC, fluxJy: 0.75, spectralIndex: -0.9 },
  ]);
  expect(known()).toMatchObject([
    { sourceId: 1, name: 'M', fluxJy: 1.25, spectralIndex: -0.9 },
    { sourceId: 2, name: 'LONE', fluxJy: null },
  ]);
});

test('the current version of the survey counts, and no other catalogue', async () => {
  await takeSurvey([{ name: 'old', raDeg: 10, decDeg: 54, fluxJy: 1 }]);
  await takeSurvey([{ name: 'new', raDeg: 10, decDeg: 54, fluxJy: 1 }], 'nvss', 'b');
  await takeSurvey([{ name: 'another', raDeg: 10, decDeg: 54, fluxJy: 1 }], 'first', 'c');
  expect(known().map(({ name }) => name)).toEqual(['new']);
  expect(knownSky(night.database, FIELD, undefined)).toEqual([]);
});

test('a survey that was not imported ends the step with what to do, instead of leaving its sources out', () => {
  expect(() => known()).toThrow('NoSuchSurvey: the catalogue nvss was not imported');
});

test('a cone finds the same anywhere on the sphere, across 0 h and around the poles', async () => {
  const places = Array.from({ length: 4_000 }, (_, index) => ({
    name: `S${index}`,
    raDeg: (index * 137.50776) % 360,
    decDeg: (Math.asin((2 * index + 1) / 4_000 - 1) * 180) / Math.PI,
    fluxJy: 1,
  }));
  await takeSurvey(places);
  const angle = (min: number, max: number) => double({ min, max, noNaN: true });
  assert(
    property(angle(0, 359.9), angle(-90, 90), angle(0, 60), (raDeg, decDeg, radiusDeg) => {
      const distance = distanceFromDeg({ raDeg, decDeg });
      const inside = places.filter((place) => distance(place) <= radiusDeg).map(({ name }) => name);
      expect(
        known({ raDeg, decDeg, radiusDeg })
          .map(({ name }) => name)
          .sort(),
      ).toEqual(inside.sort());
    }),
    { numRuns: 60 },
  );
});

test('a program is told in its file what is monitored and what is only known, a product which version that was', async () => {
  monitor('"M, first",10,54,1.5,-0.7');
  await takeSurvey([{ name: 'S', raDeg: 11, decDeg: 54, fluxJy: 0.25 }]);
  const told = (flags: Record<string, string>) => ({
    settings: hostDependencies(flagsOf(flags), night.folder).settings,
    openCatalog: () => openForReading(night.path),
  });
  const header = 'source_id,name,ra_deg,dec_deg,flux_jy,spectral_index\n1,"M, first",10,54,1.5,-0.7\n';
  expect(sourcePositionsCsv(told({ 'sky.survey': 'nvss' }), FIELD)).toBe(`${header},S,11,54,0.25,\n`);
  expect(sourcePositionsCsv(told({}), FIELD)).toBe(header);
  expect(surveyVersion(told({ 'sky.survey': 'nvss' }))).toEqual({ 'survey nvss': 'version 1' });
  expect(surveyVersion(told({}))).toEqual({});
});
