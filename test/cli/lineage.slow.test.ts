/** `contimg lineage` as people meet it: a real process over a real database. */
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { recordImage } from '../catalog/images-of-a-field.ts';
import { importGrid, type OpenNight, openNight } from '../catalog/night.ts';

const CONTIMG = resolve(import.meta.dirname, '..', '..', 'ops', 'bin', 'contimg');

let night: OpenNight;
beforeAll(() => {
  night = openNight();
  importGrid(night.database, 2);
  recordImage(night.database, { day: 0, scale: 1, fluxesJy: [1, 2] });
});
afterAll(() => night.close());

const lineage = (...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> =>
  new Promise((done) => {
    execFile(CONTIMG, ['lineage', '--queue-db', night.path, ...args], { timeout: 30_000 }, (error, stdout, stderr) => {
      done({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr });
    });
  });

test('a point is shown with its flux and, below it, the image it was measured on', async () => {
  const { code, stdout } = await lineage('point/2');
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /^point\/2 {2}S2 at MJD 60950\.000000 {2}current\n {4}2 ± 0\.01 Jy as measured; no common flux scale: .*\n {2}image\/1 /,
  );
});

test('forward, an image leads to its points', async () => {
  expect((await lineage('image/1', '--down')).stdout).toMatch(
    /^image\/1 .*\n {2}measurements\/1 {2}2 points of 2025-10-05T12:00:00 {2}current\n/s,
  );
});

test.each([
  [['point/9'], 13, /there is no point 9/],
  [['planet/9'], 64, /"planet\/9" is not KIND\/ID/],
  [['point/nine'], 64, /point takes a number, not "nine"/],
  [['group/2020-01-01T00:00:00'], 13, /no group/],
  [['point/1', '--up', '--down'], 64, /one at a time/],
])('%j is refused with exit code %i and what to do', async (args, exitCode, says) => {
  const { code, stdout, stderr } = await lineage(...args);
  expect({ code, stdout }).toEqual({ code: exitCode, stdout: '' });
  expect(stderr).toMatch(says);
});
