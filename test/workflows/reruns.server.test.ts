/** Groups that run again: what is superseded, what becomes stale and follows by itself, and what an operator is told before. */
import { execFile } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cancelGroup } from '../../src/temporal/group-client.ts';
import { OneHost, type TestGroup } from './one-host.ts';

const contimg = resolve(import.meta.dirname, '..', '..', 'ops', 'bin', 'contimg');
let host: OneHost;
let calibrator: TestGroup;
let science: TestGroup;
beforeAll(async () => {
  host = await OneHost.create();
  await host.startWorker();
  calibrator = host.newGroup();
  host.withCalibrator(calibrator);
  await calibrator.announceAll();
  await calibrator.result();
  science = host.newGroup();
  await science.announceAll();
  await science.result();
}, 120_000);
afterAll(() => host.stop(), 30_000);

function group(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((done) => {
    const options = { env: { PATH: process.env['PATH'] ?? '' }, timeout: 60_000 };
    execFile(contimg, ['group', ...args, '--config', host.config], options, (error, stdout, stderr) =>
      done({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr }),
    );
  });
}
const because = ['--reason', 'the solutions were looked at again'];
const stepsRun = (of: TestGroup): string[] => host.calls(of).map(({ step }) => step);
const products = (of: TestGroup) =>
  host.read<{ kind: string; status: string; run_number: number; path: string }>(
    `SELECT p.kind, p.status, p.run_number, l.root || '/' || p.path AS path FROM products p
     JOIN storage_locations l ON l.name = p.location WHERE group_id = ? ORDER BY p.id`,
    of.id,
  );
async function untilRun(of: TestGroup, runNumber: number): Promise<void> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const [row] = host.read<{ run_number: number; state: string }>('SELECT run_number, state FROM groups WHERE group_id = ?', of.id);
    if (row?.run_number === runNumber && row.state === 'completed') return;
    if (Date.now() > deadline) throw new Error(`run ${runNumber} of ${of.id} did not complete: ${JSON.stringify(row)}`);
    await sleep(100);
  }
}

test('a dry run names the steps, what is superseded and which groups follow, and changes nothing', async () => {
  const before = host.read('SELECT id, status FROM products');
  const answer = await group('reprocess', calibrator.id, '--from', 'solve', ...because, '--dry-run');
  expect(answer).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('runs again from solve: solve, calibrate, image, photometry, release'),
  });
  expect(answer.stdout).toMatch(/supersedes {2}calibration_set .*caltables/);
  expect(answer.stdout).toContain(`${science.id} runs again from calibrate`);
  expect(host.read('SELECT id, status FROM products')).toEqual(before);
  expect(host.read('SELECT id FROM reruns')).toEqual([]);
}, 60_000);

test('a calibrator group solved again takes every group calibrated with the old set along, from calibrate, and keeps all versions', async () => {
  const converted = stepsRun(science).length;
  host.reconfigure('steps', { solve: { min_snr: 6 } });
  expect(await group('reprocess', calibrator.id, '--from', 'solve', ...because)).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('A new run was started in lane reprocess'),
  });
  await untilRun(calibrator, 2);
  await untilRun(science, 2);
  expect(stepsRun(calibrator).slice(-4)).toEqual(['solve', 'calibrate', 'image', 'photometry']);
  expect(stepsRun(science).slice(converted)).toEqual(['calibrate', 'image', 'photometry']);
  expect(products(science)).toMatchObject([
    { kind: 'ms', status: 'current', run_number: 1 },
    { kind: 'image', status: 'superseded', run_number: 1 },
    { kind: 'image', status: 'current', run_number: 2 },
  ]);
  for (const { path } of [...products(calibrator), ...products(science)]) expect(existsSync(path)).toBe(true);
  expect(host.read('SELECT lane FROM groups WHERE group_id = ?', science.id)).toEqual([{ lane: 'reprocess' }]);
  const show = await group('show', science.id);
  expect(show.stdout).toMatch(/rerun {6}started from calibrate: calibration set \(product \d+\) was superseded by product \d+/);
}, 90_000);

test('a rerun whose Measurement Set is gone parks; resumed from collect it converts again', async () => {
  const lost = host.newGroup();
  await lost.announceAll();
  await lost.result();
  rmSync(products(lost)[0]?.path ?? '', { recursive: true });
  await group('reprocess', lost.id, '--from', 'image', ...because);
  const parked = await lost.until(({ state, runNumber }) => runNumber === 2 && state === 'needs_attention');
  expect(parked).toMatchObject({ failedStep: 'organize', failure: { code: 'MeasurementSetGone' } });
  expect(await group('reprocess', lost.id, '--from', 'image', ...because)).toMatchObject({
    code: 14,
    stderr: expect.stringContaining('resume'),
  });
  await lost.parked();
  expect(await group('resume', lost.id, '--from', 'collect', ...because)).toMatchObject({ code: 0 });
  // The database of this host knows no raw files: the new run is told of them again.
  await lost.announceAll();
  expect(await lost.result()).toMatchObject({ state: 'completed', runNumber: 2, present: lost.files.map(({ subband }) => subband) });
}, 90_000);

test('asked for while the group works, a rerun is taken up when the run has ended; one for steps still to come is not needed', async () => {
  const busy = host.newGroup();
  host.hold('image');
  await busy.announceAll();
  await busy.until(({ step }) => step === 'image');
  await group('reprocess', busy.id, '--from', 'photometry', ...because);
  host.letGo('image');
  await untilRun(busy, 2);
  expect(stepsRun(busy)).toEqual(['concat', 'validate', 'flag', 'calibrate', 'image', 'photometry', 'calibrate', 'image', 'photometry']);
}, 90_000);

test('an operator moves an open group to another lane', async () => {
  const open = host.newGroup({ subbands: [0, 1, 2] });
  await open.announceAll();
  await open.until(({ present }) => present.length === 3);
  expect(await group('lane', open.id, 'ondemand', ...because)).toMatchObject({ code: 0 });
  expect(await open.status()).toMatchObject({ lane: 'ondemand' });
  expect(await group('upgrade', open.id, ...because)).toMatchObject({
    code: 14,
    stderr: expect.stringContaining('only a completed group'),
  });
  await cancelGroup(host.client, open.id, { by: 'observer', reason: 'not needed any more' });
}, 60_000);
