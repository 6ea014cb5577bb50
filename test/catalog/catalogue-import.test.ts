/** Reference catalogues: versions, checksums, and that nothing is written twice or by halves. The reading program has tests of its own. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { insertAudit, listAudit } from '../../src/catalog/audit.ts';
import { importCatalogue, listImports } from '../../src/catalog/catalogue-import.ts';
import { openForWriting } from '../../src/catalog/database.ts';
import { calibratorsOfStrip } from '../../src/catalog/imported-calibrators.ts';
import { listSources } from '../../src/catalog/source-variability.ts';
import type { CatalogueFormat } from '../../src/domain/reference-catalogue.ts';
import { AT, type OpenNight, openNight } from './night.ts';

let night: OpenNight;
beforeEach(() => {
  night = openNight();
});
afterEach(() => night.close());

type Line = [number, string, number, number, number | null, number | null, number | null];
const STRIP: Line[] = [
  [1, 'J0000+505', 0.02, 50.5, 6, 6, null],
  [2, 'J0001+520', 0.4, 52, 12, 12, -0.4],
  [3, 'J0002+545', 0.6, 54.5, 40, 40, null],
  [4, 'J0003+505', 0.8, 50.5, null, null, null],
];

/** Imports lines as if a file with this first letter of its checksum had held them. */
function take(
  catalogue: string,
  letter: string,
  lines: Line[],
  { format = 'vla', announced = lines.length }: { format?: CatalogueFormat; announced?: number } = {},
) {
  const sourcesFile = join(night.folder, `${letter}.jsonl`);
  writeFileSync(sourcesFile, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  const counts = { bytes: 100, sources: announced, withoutFlux: 1, leftOut: 2, leftOutBecause: 'no flux at L band' };
  const scale = { columns: {}, frequencyHz: 1.4e9, assumedSpectralIndex: null, timingsS: {} };
  const read = { sourcesFile, sha256: letter.repeat(64), ...counts, ...scale };
  return importCatalogue(night.database, { catalogue, format, fileName: `${letter}.txt`, read, at: AT, by: 'observer' });
}

const COUNT = `SELECT count(*) FROM catalogue_sources s JOIN catalogue_imports i ON i.id = s.import_id WHERE i.status = 'current'`;
const WORD = { actor: 'observer', via: 'test', verb: 'say', target: 'group/x', reason: 'something else', detail: {}, at: AT };
const rowsIn = (table: string): number => Number(night.database.prepare(`SELECT count(*) FROM ${table}`).pluck().get());

test('the same file again changes nothing; another one is the next version, and the rows of the older stay', async () => {
  expect(await take('vla', 'a', STRIP)).toMatchObject({
    changed: true,
    version: { version: 1, status: 'current', sources: 4, left_out: 2 },
  });
  expect(await take('vla', 'a', STRIP)).toMatchObject({ changed: false, version: { version: 1 } });
  expect(await take('vla', 'b', STRIP.slice(0, 1))).toMatchObject({ changed: true, version: { version: 2 } });
  expect(listImports(night.database).map(({ version, status, sha256 }) => [version, status, sha256[0]])).toEqual([
    [2, 'current', 'b'],
    [1, 'superseded', 'a'],
  ]);
  expect(rowsIn('catalogue_sources')).toBe(5);
  expect(await take('vla', 'a', STRIP)).toMatchObject({ changed: true, version: { version: 3, status: 'current' } });
});

test('who imported what, and what it superseded, is in the audit', async () => {
  await take('vla', 'a', STRIP);
  await take('vla', 'b', STRIP);
  const [latest, first] = listAudit(night.database, { target: 'catalogue/vla', limit: 9 });
  expect(latest).toMatchObject({ actor: 'observer', verb: 'import', detail: { version: 2, sha256: 'b'.repeat(64), supersedes: 1 } });
  expect(first).toMatchObject({ detail: { version: 1, supersedes: null } });
});

test('a file that breaks off, or holds a flux that is none, leaves the older version as it was', async () => {
  await take('vla', 'a', STRIP);
  await expect(take('vla', 'b', STRIP, { announced: 9 })).rejects.toThrow('holds 4 sources, 9 were announced');
  await expect(take('vla', 'c', [[1, 'zero', 1, 2, 0, 0, null]])).rejects.toThrow('Too small');
  expect(listImports(night.database)).toMatchObject([{ version: 1, status: 'current' }]);
  expect(rowsIn('catalogue_sources')).toBe(4);
});

test('calibrators are those of the current list within the strip that have a flux, brightest first', async () => {
  await take('vla', 'b', [[1, 'OLD', 0, 50, 99, 99, null]]);
  await take('vla', 'a', STRIP);
  await take('nvss', 'c', [[1, 'NVSS', 0, 50.5, 7, 7, null]], { format: 'nvss' });
  expect(calibratorsOfStrip(night.database, { decDeg: 50.5, withinDeg: 2 })).toEqual([
    { name: 'J0001+520', ra_deg: 0.4, dec_deg: 52, flux_jy: 12, spectral_index: -0.4, catalogue: 'vla version 2' },
    { name: 'J0000+505', ra_deg: 0.02, dec_deg: 50.5, flux_jy: 6, spectral_index: null, catalogue: 'vla version 2' },
  ]);
});

test('reference sources are not monitored', async () => {
  await take('nvss', 'a', STRIP, { format: 'nvss' });
  expect(listSources(night.database, { by: 'name', limit: 9, offset: 0 }).total).toBe(0);
});

test('a catalogue of many parts counts whole or not at all, and others can write meanwhile', async () => {
  const many = Array.from({ length: 12_345 }, (_, index): Line => [index + 1, `S${index}`, index / 40, 10, 1, 1, null]);
  const other = openForWriting(night.database.name, { role: 'watch' });
  const counted = (): number => Number(other.database.prepare(COUNT).pluck().get());
  const importing = take('nvss', 'a', many, { format: 'nvss' });
  try {
    let written = 0;
    for (; written < 2; written += 1) {
      await sleep(5);
      insertAudit(other.database, { ...WORD, requestId: `meanwhile ${written}` });
    }
    expect(counted()).toBe(0);
    await importing;
    expect(counted()).toBe(many.length);
  } finally {
    other.close();
  }
});

test('what a killed import left is dropped by the next', async () => {
  await take('vla', 'a', STRIP);
  night.database.exec("UPDATE catalogue_imports SET status = 'loading'");
  expect(await take('vla', 'b', STRIP)).toMatchObject({ version: { version: 1 } });
  expect(rowsIn('catalogue_sources')).toBe(4);
});
