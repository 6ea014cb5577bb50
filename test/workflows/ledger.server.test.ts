/** The ledger with a real schedule, a real worker and the command line: looks, explanations, and a worker that is killed. */
import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openForWriting } from '../../src/catalog/database.ts';
import type { LedgerRow } from '../../src/catalog/ledger.ts';
import { applySchedules } from '../../src/temporal/schedules.ts';
import { admit, CADENCE_MS } from '../catalog/observed-night.ts';
import { OneHost } from './one-host.ts';

const main = join(resolve(import.meta.dirname, '..', '..'), 'src', 'cli', 'main.ts');
const SCHEDULE = 'ledger-expectation';

let host: OneHost;
beforeAll(async () => {
  host = await OneHost.create();
  await host.startWorker();
}, 60_000);
afterAll(() => host.stop(), 30_000);

const BASE_MS = Date.now();

/** Groups that began so many cadences ago, admitted as their files came. */
function observe(...cadencesAgo: number[]): void {
  const { database, close } = openForWriting(host.settings.paths.database, { role: 'watch' });
  for (const ago of cadencesAgo) {
    const startMs = BASE_MS - ago * CADENCE_MS;
    admit(database, { startMs, arrivesMs: startMs, decRad: 0.952, isComplete: true }, startMs + CADENCE_MS);
  }
  close();
}

const ledger = (): LedgerRow[] => host.read('SELECT * FROM ledger ORDER BY expected_at');
const looks = (): number =>
  host.read<{ at: string }>('SELECT planned_at AS at FROM ledger_expectation').map(({ at }) => Date.parse(at))[0] ?? 0;

async function until(reached: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!reached()) {
    if (Date.now() > deadline) throw new Error(`${what} did not happen within 30 s`);
    await sleep(100);
  }
}

async function lookNow(): Promise<void> {
  const before = looks();
  await host.client.schedule.getHandle(SCHEDULE).trigger();
  await until(() => looks() > before, 'a look at the ledger');
}

const contimg = (...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> =>
  new Promise((answer) => {
    execFile(process.execPath, [main, ...args, '--config', host.config], (error, stdout, stderr) => {
      answer({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });

test('applied twice there is one schedule, each minute; a paused one stays paused', async () => {
  expect(await applySchedules(host.client, host.settings)).toMatchObject([
    { id: SCHEDULE, action: 'created', isPaused: false },
    { id: 'variability-nightly', action: 'created', isPaused: false },
  ]);
  const handle = host.client.schedule.getHandle(SCHEDULE);
  await handle.pause('the database is being moved');
  const applied = await contimg('schedule', 'apply', '--json');
  expect(JSON.parse(applied.stdout).data.applied).toMatchObject([
    { id: SCHEDULE, action: 'updated', is_paused: true },
    { id: 'variability-nightly', action: 'updated', is_paused: false },
  ]);
  await handle.unpause();
  const { spec, policies } = await handle.describe();
  expect(spec.intervals?.map(({ every }) => every)).toEqual([60_000]);
  expect(policies.overlap).toBe('SKIP');
}, 60_000);

test('the schedule’s look finds the hole, and the command line says so', async () => {
  expect((await contimg('ledger')).stdout).toMatch(/^No expectation yet: /);
  observe(12, 11, 9, 8, 7, 6, 5, 4, 3, 2);
  await lookNow();
  const holes = ledger().filter((row) => row.outcome === 'missing');
  expect(holes).toMatchObject([{ group_id: null, groups: 1, reason: 'no file of it was seen' }]);
  const { stdout, code } = await contimg('ledger');
  expect(code).toBe(0);
  expect(stdout).toMatch(/^Expected: one group every 309\.238 s \(measured from headers\)/);
  expect(stdout).toContain(`${holes[0]?.id}`);
  expect(stdout).toContain('no file of it was seen');
}, 60_000);

test('an explanation goes through the writer, with an audit entry', async () => {
  const hole = ledger().find((row) => row.outcome === 'missing');
  const { code, stdout } = await contimg('ledger', '--annotate', String(hole?.id), '--reason', 'correlator off for maintenance', '--json');
  expect([code, JSON.parse(stdout).data.row]).toMatchObject([
    0,
    { id: hole?.id, outcome: 'missing', note: 'correlator off for maintenance' },
  ]);
  expect(host.read('SELECT verb, target, via FROM audit')).toEqual([{ verb: 'annotate', target: `ledger/${hole?.id}`, via: 'cli' }]);
  expect(await contimg('ledger', '--annotate', '99999', '--reason', 'correlator off for maintenance')).toMatchObject({ code: 13 });
}, 60_000);

test('a worker killed at any moment of its looks leaves the rows of whole looks', async () => {
  const handle = host.client.schedule.getHandle(SCHEDULE);
  for (const afterMs of [20, 150]) {
    await handle.trigger();
    await sleep(afterMs);
    await host.killWorker();
    await host.startWorker();
  }
  observe(1);
  await lookNow();
  const rows = ledger();
  const begins = rows.map((row) => Date.parse(row.expected_at));
  const gaps = begins.slice(1).map((ms, index) => (ms - (begins[index] ?? ms)) / CADENCE_MS);
  expect(Math.min(...gaps)).toBeGreaterThan(0.5);
  expect(rows.filter((row) => row.group_id !== null)).toHaveLength(11);
  expect(rows.filter((row) => row.outcome === 'missing')).toHaveLength(1);
}, 90_000);

test('with no worker the explanation is refused, and never written later', async () => {
  const hole = ledger().find((row) => row.outcome === 'missing');
  await host.killWorker();
  const { code, stderr } = await contimg('ledger', '--annotate', String(hole?.id), '--reason', 'another explanation of it');
  expect([code, stderr]).toEqual([11, expect.stringMatching(/no worker with --catalog .*nothing was written\n.*contimg worker/s)]);
  await host.startWorker();
  await lookNow();
  expect(ledger().find((row) => row.id === hole?.id)?.note).toBe('correlator off for maintenance');
}, 90_000);
