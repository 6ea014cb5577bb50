/** Monitored sources: the catalogue file, and finding what lies near a place anywhere on the sphere. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { assert, double, property } from 'fast-check';
import { applySettings } from '../../src/catalog/apply-settings.ts';
import { importSources } from '../../src/catalog/source-import.ts';
import { listSources } from '../../src/catalog/source-variability.ts';
import { sourceByName, sourcesNear } from '../../src/catalog/sources.ts';
import { listStorageLocations } from '../../src/catalog/storage-locations.ts';
import { StepError } from '../../src/domain/failure.ts';
import { AT, type OpenNight, openNight } from './night.ts';

let night: OpenNight;
beforeEach(() => {
  night = openNight();
});
afterEach(() => night.close());

const load = (csv: string): { sources: number; changed: number } => importSources(night.database, { name: 'test', csv, at: AT });
const HEADER = 'name,ra_deg,dec_deg,flux_jy,spectral_index';

test('a catalogue is imported once; importing it again changes nothing, a correction changes one row', () => {
  const csv = `${HEADER}\nA,10,54,1.5,-0.7\n"B, the second",20.5,-3,,\n`;
  expect(load(csv)).toEqual({ sources: 2, changed: 2 });
  expect(load(csv)).toEqual({ sources: 2, changed: 0 });
  expect(sourceByName(night.database, 'B, the second')).toMatchObject({ ra_deg: 20.5, flux_jy: null, spectral_index: null });
  const id = sourceByName(night.database, 'A')?.id;
  expect(load(csv.replace('10,54', '11,54'))).toEqual({ sources: 2, changed: 1 });
  expect(sourceByName(night.database, 'A')).toMatchObject({ id, ra_deg: 11 });
  expect(sourcesNear(night.database, { raDeg: 11, decDeg: 54, radiusDeg: 0.1 }).map((source) => source.name)).toEqual(['A']);
  expect(sourcesNear(night.database, { raDeg: 10, decDeg: 54, radiusDeg: 0.1 })).toEqual([]);
});

test('the settings of a start name the storage locations and bring the catalogue, once', () => {
  const catalogue = join(night.folder, 'catalogue.csv');
  writeFileSync(catalogue, `${HEADER}\nA,10,54,1.5,-0.7\n`);
  const paths = { input: '/data/same', output: '/data/same', scratch: '/data/same/.work', catalogue };
  expect(applySettings(night.database, { paths }, AT)).toEqual({ sources: 1, changed: 1 });
  expect(applySettings(night.database, { paths }, AT)).toEqual({ sources: 1, changed: 0 });
  expect(listStorageLocations(night.database)).toContainEqual({ name: 'scratch', root: '/data/same/.work' });
});

test('columns may come in any order and others are ignored', () => {
  load('id,dec_deg,flux_jy,name,ra_deg\n,54,2,C,10\n');
  expect(sourceByName(night.database, 'C')).toMatchObject({ ra_deg: 10, dec_deg: 54, flux_jy: 2 });
});

test.each([
  ['A,400,54,1,', 'ra_deg'],
  ['A,10,north,1,', 'dec_deg'],
  ['A,,54,1,', 'ra_deg'],
  ['A,10,54,bright,', 'flux_jy'],
  [',10,54,1,', 'name'],
  ['A,10,54,1,\nA,11,54,1,', 'twice'],
])('a bad line is named and nothing is imported: %s', (lines, named) => {
  const csv = `${HEADER}\nGOOD,1,2,3,\n${lines}\n`;
  expect(() => load(csv)).toThrow(StepError);
  expect(() => load(csv)).toThrow(named);
  expect(listSources(night.database, { by: 'name', limit: 10, offset: 0 })).toEqual({ sources: [], total: 0 });
});

/** Vincenty's formula: independent of the chord that the search uses, exact at all angles. */
function separationDeg(raOne: number, decOne: number, raTwo: number, decTwo: number): number {
  const rad = Math.PI / 180;
  const [dRa, one, two] = [(raTwo - raOne) * rad, decOne * rad, decTwo * rad];
  const across = Math.cos(two) * Math.sin(dRa);
  const along = Math.cos(one) * Math.sin(two) - Math.sin(one) * Math.cos(two) * Math.cos(dRa);
  return Math.atan2(Math.hypot(across, along), Math.sin(one) * Math.sin(two) + Math.cos(one) * Math.cos(two) * Math.cos(dRa)) / rad;
}

test('a cone holds exactly the sources within its radius, across 0 h and at the poles', () => {
  const places = Array.from({ length: 600 }, (_, index) => ({
    name: `S${index}`,
    ra: (index * 137.508) % 360,
    dec: Math.asin(1 - (2 * index + 1) / 600) * (180 / Math.PI),
  }));
  load([HEADER, ...places.map(({ name, ra, dec }) => `${name},${ra},${dec},,`)].join('\n'));
  assert(
    property(
      double({ min: 0, max: 359.999, noNaN: true }),
      double({ min: -90, max: 90, noNaN: true }),
      double({ min: 0.01, max: 60, noNaN: true }),
      (raDeg, decDeg, radiusDeg) => {
        const found = sourcesNear(night.database, { raDeg, decDeg, radiusDeg });
        const inside = places.filter(({ ra, dec }) => separationDeg(raDeg, decDeg, ra, dec) <= radiusDeg);
        expect(new Set(found.map(({ name }) => name))).toEqual(new Set(inside.map(({ name }) => name)));
        expect(found.map((source) => source.separationDeg)).toEqual(
          found.map((source) => source.separationDeg).toSorted((one, other) => one - other),
        );
      },
    ),
    {
      numRuns: 60,
      examples: [
        [0, 89.9, 5],
        [359.99, 0, 10],
        [0.01, -90, 30],
      ],
    },
  );
});
