/**
 * Files of every layout that other writers of the format make: those a reader must take and those it must refuse. The files
 * are written by h5py, with old and new superblocks, filters and number types.
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { AdmissionVerdict } from '../../src/ingest/admission.ts';
import { codeOf, filePath, folder, refusalOf, START, SUBBAND, useOneFile, verdictOnDisk } from './one-file.ts';
import { nameOf, t0JdOf, writeTinyFile } from './tiny-uvh5.ts';

useOneFile();

beforeAll(async () => {
  await writeTinyFile(filePath(), { subband: SUBBAND, t0Jd: t0JdOf(START) });
  const writer = join(process.cwd(), 'test/ingest/fixtures/odd_layouts.py');
  execFileSync(join(process.cwd(), 'science/.venv/bin/python'), [writer, filePath(), folder], { stdio: 'pipe' });
  // Python imports; some 30 files of 20 kB.
}, 60_000);

const verdictOf = (layout: string): Promise<AdmissionVerdict> => verdictOnDisk({ path: join(folder, layout, nameOf(START, SUBBAND)) });

const taken: [what: string, layout: string][] = [
  ['superblock version 0, as the correlator writes it', 'superblock-0'],
  ['superblock version 2', 'superblock-2'],
  ['superblock version 3', 'superblock-3'],
  ['rank 3 samples with a frequency axis of one dimension', 'rank-3'],
  ['ascending channels', 'ascending'],
  ['float64 pairs', 'float64-pairs'],
  ['int32 pairs', 'int32-pairs'],
  ['version 1.0 with its catalogue and values a row and a channel', 'version-1.0'],
  ['version 1.1 in the newest file format', 'version-1.1'],
  ['four products', 'four-products'],
  ['antenna numbers with gaps', 'antenna-gaps'],
  ['variable strings', 'variable-strings'],
  ['all samples flagged, any weights, half of the samples not a number', 'odd-samples'],
  ['optional datasets left out', 'optional-absent'],
  ['one channel a subband', 'single-channel'],
  ['rows baseline by baseline', 'baseline-major'],
  ['rows in any order', 'any-row-order'],
  ['gzip on samples and header', 'gzip'],
  ['bitshuffle on the samples', 'bitshuffle-samples'],
];
test.each(taken)('%s is taken', async (_what, layout) => {
  expect(codeOf(await verdictOf(layout))).toBe('admitted');
});

const refused: [what: string, layout: string, code: string, message: RegExp][] = [
  [
    'samples cut behind a superblock that knows nothing of it',
    'samples-past-the-end',
    'Truncated',
    /past the end.*addr = \d+, size = 1728/,
  ],
  ['header cut behind such a superblock', 'column-past-the-end', 'Truncated', /past the end/],
  ['a header packed with bitshuffle', 'bitshuffle-header', 'BadType', /packed with the filter bitshuffle, which is not built in/],
  ['16-bit pairs', 'int16-pairs', 'BadType', /visdata holds \{int16, int16\}, not two float32, float64 or int32/],
  ['big-endian pairs', 'big-endian-pairs', 'BadType', /Data\/visdata is big-endian/],
  ['circular products', 'circular-products', 'BadShape', /\[-1, -2\], expected XX,YY or all four/],
  ['rows that are no rectangle', 'ragged', 'BadShape', /not times × baselines: 5 rows at JD [\d.]+, 6 at the first time/],
  ['a baseline twice at one time', 'repeated-row', 'BadShape', /not times × baselines/],
  ['autocorrelations only', 'autos-only', 'BadAntennas', /autocorrelations only/],
  ['a projected phase centre', 'projected', 'UnknownPhaseCentre', /holds \[sidereal\], expected one unprojected entry/],
  ['two phase centres', 'two-phase-centres', 'UnknownPhaseCentre', /holds \[unprojected, unprojected\]/],
];
test.each(refused)('%s is refused', async (_what, layout, code, message) => {
  const refusal = refusalOf(await verdictOf(layout));
  expect(refusal.code).toBe(code);
  expect(refusal.message).toMatch(message);
});

test('the rows’ order, the number type and the sign of the channel axis do not change what a file can be a group with', async () => {
  const grids = new Set<string>();
  for (const layout of ['superblock-0', 'any-row-order', 'baseline-major', 'float64-pairs', 'ascending', 'rank-3', 'version-1.1']) {
    const verdict = await verdictOf(layout);
    if (verdict.kind === 'admitted') grids.add(verdict.facts.gridDigest);
  }
  expect(grids.size).toBe(1);
});
