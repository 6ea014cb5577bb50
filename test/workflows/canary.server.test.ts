/**
 * Canaries with a real server, worker and command line: one walks the line beside the groups, is recorded, and leaves nothing
 * behind; what it finds reaches an operator and no light curve.
 */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { applySchedules } from '../../src/temporal/schedules.ts';
import { OneHost, type TestGroup } from './one-host.ts';

const main = join(resolve(import.meta.dirname, '..', '..'), 'src', 'cli', 'main.ts');
/** Two groups one after the other in a single slot, on a machine that others use. */
const LIMIT_MS = 180_000;

let host: OneHost;
let group: TestGroup;
beforeAll(async () => {
  host = await OneHost.create({ 'canary.enabled': true, 'worker.slots': 1 });
  await host.startWorker();
  const calibrator = host.newGroup();
  host.withCalibrator(calibrator);
  group = host.newGroup();
  for (const one of [calibrator, group]) {
    await one.announceAll();
    await one.result();
  }
}, LIMIT_MS);
afterAll(() => host.stop(), 30_000);

const canary = (...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> =>
  new Promise((answer) => {
    execFile(process.execPath, [main, 'canary', ...args, '--config', host.config], (error, stdout, stderr) => {
      answer({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
const runs = () =>
  host.read<{ verdict: string; group_id: string; reasons: string; path: string | null; run_id: string }>(
    'SELECT * FROM canary_runs ORDER BY ended_at',
  );
/** What must be the same after a canary: all that science reads. */
const science = (): unknown[] =>
  ['products', 'images', 'measurements', 'measurement_batches', 'step_attempts'].map((table) =>
    host.read<{ n: number }>(`SELECT COUNT(*) AS n FROM ${table}`),
  );
const scratch = (): string[] => (existsSync(host.settings.paths.scratch) ? readdirSync(host.settings.paths.scratch) : []);
const stepsSince = (before: number): string[] =>
  host
    .calls()
    .slice(before)
    .map(({ step }) => step);

test(
  'the group completed last walks the line again as a copy, and only the canary’s own tables grow',
  async () => {
    const [before, calls, published] = [science(), host.calls().length, readFileSync(join(publishedMs(), 'table.dat'))];
    const { code, stdout, stderr } = await canary('run');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(new RegExp(`^canary of ${group.id}: pass\\n`));
    expect(stdout).toMatch(/canary-30 +steady +0\.0300 +0\.0301 +1\.003/);
    expect(stepsSince(calls)).toEqual(['inject', 'flag', 'calibrate', 'image', 'photometry', 'photometry', 'recover']);
    expect(science()).toEqual(before);
    expect(readFileSync(join(publishedMs(), 'table.dat'))).toEqual(published);
    expect(runs()).toMatchObject([{ verdict: 'pass', group_id: group.id, reasons: '[]' }]);
    expect(scratch()).toEqual([]);
  },
  LIMIT_MS,
);

test('its folder has the pictures and says what they are', () => {
  const folder = join(host.settings.paths.output, 'canary', group.id.slice(0, 10), group.id);
  expect(readdirSync(folder).toSorted()).toEqual([`${group.id}.canary.img-png`, `${group.id}.canary.img-thumbnail`, 'canary.json']);
  expect(JSON.parse(readFileSync(join(folder, 'canary.json'), 'utf8'))).toMatchObject({ tag: 'synthetic_sources', verdict: 'pass' });
});

test(
  'without --group a group has one canary; nothing to take is said',
  async () => {
    const { code, stderr } = await canary('run');
    expect([code, stderr]).toEqual([13, expect.stringMatching(`${group.id}, completed last, had its canary`)]);
  },
  LIMIT_MS,
);

test(
  'flux that is lost fails the canary and keeps the planes',
  async () => {
    writeFileSync(join(host.folder, 'lost-flux'), '');
    const { code, stdout } = await canary('run', '--group', group.id);
    rmSync(join(host.folder, 'lost-flux'));
    expect([code, stdout]).toEqual([5, expect.stringMatching(/: fail\ncanary-30: 0\.667 of its flux came back/)]);
    const [, failed] = runs();
    expect(readdirSync(join(host.settings.paths.output, failed?.path ?? '')).length).toBe(9);
    expect((await canary('ls')).stdout).toMatch(new RegExp(`${group.id} +fail .*\n.*${group.id} +pass`));
  },
  LIMIT_MS,
);

test(
  'a step that fails ends it as an error, with the reason on record and its scratch given back',
  async () => {
    host.failing('image', { type: 'ToolFailed', code: 'WSCleanFailed' });
    const { code, stdout } = await canary('run', '--group', group.id);
    host.succeeding('image');
    expect([code, stdout]).toEqual([10, expect.stringMatching(/: error\nWSCleanFailed: image was told to fail; correct the parameter/)]);
    expect(scratchButCapsules()).toEqual([]);
  },
  LIMIT_MS,
);

test(
  'a worker killed in a step of a canary goes on with that step, and no group waits longer than for it',
  async () => {
    const calls = host.calls().length;
    host.hold('calibrate');
    const asked = canary('run', '--group', group.id);
    await expectSoon(() => stepsSince(calls).includes('calibrate'));
    await host.killWorker();
    await host.startWorker();
    // A group arrives while the canary holds the only slot: it is served before the canary's next step.
    const live = host.newGroup();
    await live.announceAll();
    host.letGo('calibrate');
    expect((await asked).code).toBe(0);
    await live.result();
    const steps = host.calls().slice(calls);
    const mine = steps.filter(({ groupId }) => groupId === group.id).map(({ step }) => step);
    expect(mine.filter((step) => step === 'inject' || step === 'flag')).toEqual(['inject', 'flag']);
    expect(scratchButCapsules()).toEqual([]);
  },
  LIMIT_MS,
);

test(
  'switched on there is a schedule each hour that takes the newest group; switched off it is gone',
  async () => {
    const applied = await applySchedules(host.client, host.settings);
    expect(applied).toContainEqual(expect.objectContaining({ id: 'canary', action: 'created' }));
    const handle = host.client.schedule.getHandle('canary');
    const { spec, policies } = await handle.describe();
    expect([spec.intervals?.map(({ every }) => every), policies.overlap]).toEqual([[3_600_000], 'SKIP']);
    await applySchedules(host.client, { ...host.settings, canary: { ...host.settings.canary, enabled: false } });
    await expect(handle.describe()).rejects.toThrow(/not found/i);
  },
  LIMIT_MS,
);

function publishedMs(): string {
  const folder = join(host.settings.paths.output, 'ms', 'science', group.id.slice(0, 10));
  return join(folder, `${group.id}.ms`);
}

/** Folders of runs that hold more than what explains a failure. */
function scratchButCapsules(): string[] {
  return readdirSync(host.settings.paths.scratch, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ms'));
}

async function expectSoon(reached: () => boolean): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!reached() && Date.now() < deadline) await sleep(50);
  expect(reached()).toBe(true);
}
