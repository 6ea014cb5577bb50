/** `contimg lightcurve` as people meet it: a real process over a real database. */
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { recordBatch } from '../../src/catalog/measurements.ts';
import { recordProduct } from '../../src/catalog/product-record.ts';
import { sourceByName } from '../../src/catalog/sources.ts';
import { recordImage } from '../catalog/images-of-a-field.ts';
import { AT, foundGroup, imageRecord, importGrid, type OpenNight, openNight } from '../catalog/night.ts';

const CONTIMG = resolve(import.meta.dirname, '..', '..', 'ops', 'bin', 'contimg');

let night: OpenNight;
beforeAll(() => {
  night = openNight();
  importGrid(night.database, 12);
  for (const [day, fluxJy] of [1, 1.02, 2].entries()) {
    const { groupId } = foundGroup(night.database, `2025-10-0${day + 1}T06:00:00Z`);
    const imageProductId = recordProduct(night.database, imageRecord(groupId), AT);
    const sourceId = sourceByName(night.database, 'S3')?.id ?? 0;
    const line = { sourceId, mjd: 60_949.25 + day, fluxJy, errorJy: 0.01, localRmsJy: 0.001, snr: 100, pbResponse: 1, chi2: 1 };
    const lines = [{ ...line, kind: 'forced' as const, upperLimit: false, flags: [] }];
    recordBatch(night.database, { groupId, runNumber: 1, imageProductId, digest: `${day}`, degradedReasons: [], lines, at: AT });
  }
  for (const [day, scale] of [1, 1.05, 0.96, 1.02].entries()) {
    recordImage(night.database, { day, scale, fluxesJy: [1, 1.1, 1.2, 1.3], firstSource: 8 });
  }
});
afterAll(() => night.close());

const lightcurve = (...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> =>
  new Promise((done) => {
    execFile(CONTIMG, ['lightcurve', '--queue-db', night.path, ...args], { timeout: 30_000 }, (error, stdout, stderr) => {
      done({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr });
    });
  });

test('it draws the points of a source and says whether it varies', async () => {
  const { code, stdout } = await lightcurve('S3');
  expect(code).toBe(0);
  expect(stdout).toMatch(/^S3 {2}RA 359\.02000° {2}Dec 54\.02000°\n3 points, 0 of them upper limits.*\nmean 1\.34.* η .*VARIABLE\n/);
  expect(stdout.match(/o/g)?.length).toBeGreaterThan(3);
});

test('a place finds the nearest source, and a file format writes its points alone', async () => {
  const { code, stdout } = await lightcurve('--ra', '359.021', '--dec', '54.02', '--format', 'csv');
  expect(code).toBe(0);
  expect(stdout.split('\n').filter((line) => line.startsWith('60'))).toHaveLength(3);
});

test('where the images share a flux scale it draws on that, with --raw as measured, and says so', async () => {
  expect((await lightcurve('S3')).stdout).toContain('drawn as measured: no image had three reference sources');
  expect((await lightcurve('S8')).stdout).toContain('drawn on the common flux scale, 4 of 4 points');
  expect((await lightcurve('S8', '--raw')).stdout).toContain('drawn as measured\n');
  const { stdout } = await lightcurve('S8', '--format', 'csv');
  expect(stdout).toMatch(/^mjd,flux_jy,error_jy,normalised_flux_jy,normalised_error_jy,/);
});

test('a source without points says what would fill it', async () => {
  const { code, stdout } = await lightcurve('S5');
  expect(code).toBe(0);
  expect(stdout).toContain('no measurement yet');
});

test.each([
  [['S33'], 13, /no source is called S33/],
  [['S'], 13, /did you mean S1, S10/],
  [['--ra', '10', '--dec', '80'], 13, /no source within 30″/],
  [[], 64, /no source given/],
  [['--ra', 'ten', '--dec', '80'], 64, /--ra takes a number, not "ten"/],
])('%j is refused with exit code %i and what to do', async (args, exitCode, says) => {
  const { code, stdout, stderr } = await lightcurve(...args);
  expect({ code, stdout }).toEqual({ code: exitCode, stdout: '' });
  expect(stderr).toMatch(says);
});
