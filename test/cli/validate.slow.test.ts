/** `contimg validate`: real files, damaged in each way, judged by the real command. */
import { appendFileSync, rmSync, truncateSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { nameOf, t0JdOf, writeTinyFile } from '../ingest/tiny-uvh5.ts';
import { BatchFolder, ROOT } from './batch-folder.ts';

const GROUP = '2025-10-02T00:05:18';
/** The clock of the writers is some seconds late: names differ from the header's start. */
const NAMED = '2025-10-02T00:05:22';

let batch: BatchFolder;
const file = (subband: number): string => join(batch.input, nameOf(NAMED, subband));
const write = (subband: number, changes: object = {}): Promise<void> =>
  writeTinyFile(file(subband), { subband, t0Jd: t0JdOf(GROUP), ...changes });

beforeAll(async () => {
  batch = new BatchFolder();
  // Admission reads no samples: subband 9 holds nothing but NaN and is admitted.
  for (let subband = 0; subband < 16; subband += 1) await write(subband, subband === 9 ? { level: Number.NaN } : {});
  await batch.run(['watch', '--once', '--input-dir', batch.input, '--temporal-address', '127.0.0.1:1']);
}, 60_000);
afterAll(() => batch.remove());

test('a whole group is valid, under its id and under the time in its file names; nothing is changed', async () => {
  const before = batch.read('SELECT * FROM subband_files');
  const { code, stdout } = await batch.run(['validate', GROUP]);
  expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringMatching(/sb00 +valid[\s\S]*16 valid, 0 invalid, 0 of 16/) });
  const alias = await batch.run(['validate', NAMED, '--json']);
  expect(JSON.parse(alias.stdout).data).toMatchObject({ group_id: GROUP, valid: true, missing: [] });
  expect(batch.read('SELECT * FROM subband_files')).toEqual(before);
}, 30_000);

test('with --deep every sample is read: what is finite is told, and a file of nothing but NaN is not valid', async () => {
  const real = { CONTIMG_PATHS__PYTHON: join(ROOT, 'science', '.venv', 'bin', 'python') };
  const { code, stdout } = await batch.run(['validate', GROUP, '--deep', '--json'], real);
  expect(code).toBe(5);
  const { members, missing } = JSON.parse(stdout).data;
  expect(members[8]).toMatchObject({ valid: true, finite_fraction: 1, flagged_fraction: 0 });
  expect(members[9]).toMatchObject({ valid: false, finite_fraction: 0, reasons: [expect.stringContaining('0.0 % are finite')] });
  expect(missing).toEqual([9]);
}, 60_000);

test('each damaged member is named with its fault, and the others stay valid', async () => {
  rmSync(file(1));
  truncateSync(file(2), 3000);
  const handle = await open(file(3), 'r+');
  await handle.write(Buffer.from('no HDF5 here'), 0, 12, 0);
  await handle.close();
  await write(4, { t0Jd: t0JdOf(GROUP) + 2 / 86_400 });
  await write(5, { decRad: 0.66 });
  await write(6, { antennas: 4 });
  appendFileSync(file(7), 'x');
  await writeTinyFile(file(8), { subband: 12, t0Jd: t0JdOf(GROUP) });
  const { code, stdout } = await batch.run(['validate', GROUP]);
  expect(code).toBe(5);
  const faults = stdout.split('\n').flatMap((line) => /^(sb\d\d) +invalid .*?: (\w+)/.exec(line)?.slice(1, 3).join(' ') ?? []);
  expect(faults).toEqual([
    'sb01 Missing',
    'sb02 Truncated',
    'sb03 NotHdf5',
    expect.stringMatching(/^sb04 (Content|Times)/),
    expect.stringMatching(/^sb05 (Content|Declination)/),
    expect.stringMatching(/^sb06 (Size|Content|Grid)/),
    'sb07 Size',
    'sb08 BadFrequencies',
  ]);
  expect(stdout).toMatch(/sb04.*Times: it starts 2\.000 s off its group/);
  expect(stdout).toMatch(/sb05.*Declination: it points 0\.57\d+° off its group/);
  expect(stdout).toMatch(/sb06.*Grid: /);
  expect(stdout).toContain('8 valid, 8 invalid');
}, 30_000);

test('an unknown id is answered with the nearest groups', async () => {
  const { code, stderr } = await batch.run(['validate', '2025-10-02T00:06:00']);
  expect({ code, stderr }).toMatchObject({ code: 13, stderr: expect.stringContaining(`the nearest are ${GROUP}`) });
});
