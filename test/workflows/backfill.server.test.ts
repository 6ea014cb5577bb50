/** Working off a range against a real server, a real worker and a real database; only the science programs are quick ones. */
import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { issueGroup } from '../../src/catalog/groups.ts';
import { openForWriting } from '../../src/catalog/database.ts';
import { upsertFile } from '../../src/catalog/subband-files.ts';
import { type BackfillInput, backfillInputSchema, type BackfillProgress, backfillRange } from '../../src/domain/backfill.ts';
import { askBackfill, backfillProgress, BackfillRequestError, startBackfill } from '../../src/temporal/backfill-client.ts';
import { OneHost, type TestGroup } from './one-host.ts';

const BIN = resolve(import.meta.dirname, '..', '..', 'ops', 'bin', 'contimg');
const person = { by: 'observer', reason: 'the disk is needed' };

let host: OneHost;
beforeAll(async () => {
  host = await OneHost.create();
  await host.startWorker();
}, 60_000);
afterAll(() => host.stop(), 30_000);

/** New groups on disk that ingest has admitted and told nobody of. */
function admitted(count: number): TestGroup[] {
  const groups = Array.from({ length: count }, () => host.newGroup());
  const catalog = openForWriting(host.settings.paths.database, { role: 'watch' });
  const seenAt = new Date().toISOString();
  for (const { id, input, files } of groups) {
    issueGroup(catalog.database, { key: input.key, groupId: id, receivedAt: seenAt });
    for (const file of files) {
      upsertFile(catalog.database, {
        ...file,
        status: 'valid',
        reason: null,
        groupId: id,
        shownWithGroupId: null,
        nameTimeText: id,
        headerT0Mjd: input.key.t0Jd - 2_400_000.5,
        decDeg: 50.5,
        seenAt,
      });
    }
  }
  catalog.close();
  return groups;
}

/** The range that holds exactly these groups; conversions only, so that a group takes a second. */
function orderFor(groups: readonly TestGroup[], changes: Partial<BackfillInput> = {}): BackfillInput {
  const [first, last] = [groups[0], groups.at(-1)];
  if (first === undefined || last === undefined) throw new Error('no groups');
  const bounds = { startMs: Date.parse(`${first.id}Z`), endMs: Date.parse(`${last.id}Z`) + 1000 };
  const { policy, parameters, configDigest } = first.input;
  return backfillInputSchema.parse({
    schemaVersion: 1,
    range: backfillRange(bounds),
    startAt: new Date(bounds.startMs).toISOString(),
    endAt: new Date(bounds.endMs).toISOString(),
    lane: 'backlog',
    window: 2,
    force: null,
    policy: { ...policy, steps: { ...policy.steps, last: 'organize' } },
    parameters,
    configDigest,
    lookEveryMs: 100,
    pageSize: 2,
    before: null,
    ...changes,
  });
}

const conversions = (groups: readonly TestGroup[]): number =>
  groups.flatMap((group) => host.calls(group)).filter(({ step }) => step === 'concat').length;

async function until(range: string, reached: (now: BackfillProgress) => boolean): Promise<BackfillProgress> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const now = await progressOf(range);
    if (now === null) continue;
    expect(now.open.length).toBeLessThanOrEqual(now.window);
    if (reached(now)) return now;
    if (Date.now() > deadline) throw new Error(`the backfill did not get there: ${JSON.stringify(now)}`);
    await sleep(50);
  }
}

/** Null while no worker answers: one is being started. */
async function progressOf(range: string): Promise<BackfillProgress | null> {
  try {
    return await backfillProgress(host.client, range);
  } catch (error) {
    if (error instanceof BackfillRequestError && error.code === 'worker_unavailable') return null;
    throw error;
  }
}

test('the window is kept, a pause holds, a killed worker costs nothing, and a second time nothing is started', async () => {
  const groups = admitted(5);
  const order = orderFor(groups);
  host.hold('concat');
  await startBackfill(host.client, order);
  await until(order.range, ({ open }) => open.length === 2);
  await until(order.range, () => conversions(groups) === 2);
  await expect(startBackfill(host.client, order)).rejects.toMatchObject({ code: 'backfill_runs' });

  await askBackfill(host.client, order.range, 'pause', person);
  host.letGo('concat');
  const paused = await until(order.range, ({ open }) => open.length === 0);
  expect(paused).toMatchObject({ state: 'paused', stateReason: 'observer: the disk is needed', started: 2, completed: 2 });
  expect(conversions(groups)).toBe(2);

  host.hold('concat');
  await askBackfill(host.client, order.range, 'continue', person);
  await until(order.range, () => conversions(groups) === 4);
  await host.killWorker();
  host.letGo('concat');
  await host.startWorker();
  const done = await until(order.range, ({ state }) => state === 'done');
  expect(done).toMatchObject({ found: 5, started: 5, completed: 5, failed: 0, needsAttention: [], open: [] });
  expect(host.read(`SELECT lane, state, COUNT(*) AS n FROM groups WHERE run_id IS NOT NULL GROUP BY 1, 2`)).toEqual([
    { lane: 'backlog', state: 'completed', n: 5 },
  ]);
  expect(host.read(`SELECT COUNT(*) AS n FROM products WHERE kind = 'ms' AND status = 'current'`)).toEqual([{ n: 5 }]);

  const before = conversions(groups);
  await startBackfill(host.client, order);
  const again = await until(order.range, ({ state }) => state === 'done');
  expect(again).toMatchObject({ found: 5, skipped: { completed: 5 }, started: 0 });
  expect(conversions(groups)).toBe(before);

  await startBackfill(host.client, { ...order, force: 'the flux scale was wrong' });
  expect(await until(order.range, ({ state }) => state === 'done')).toMatchObject({ started: 5, completed: 5 });
  expect(conversions(groups)).toBe(before + 5);
}, 120_000);

test('a group that parks frees its place; one in work already is waited for; stop starts no more and stops no group', async () => {
  const groups = admitted(4);
  const [running, parking, third, fourth] = groups;
  if (running === undefined || parking === undefined || third === undefined || fourth === undefined) throw new Error('four groups');
  const order = orderFor(groups, { window: 1 });
  host.hold('concat');
  await running.announce(running.files[0] ?? absent());
  await happens(() => conversions([running]) === 1);
  await startBackfill(host.client, order);
  await until(order.range, ({ joined }) => joined === 1);
  host.failing('concat', { type: 'BadInput', code: 'Damaged', times: 2 });
  host.letGo('concat');
  const parked = await until(order.range, ({ needsAttention }) => needsAttention.length === 2);
  expect(parked.needsAttention).toEqual([running.id, parking.id]);
  host.hold('validate');
  await happens(() => conversions([third]) === 1);
  await askBackfill(host.client, order.range, 'stop', person);
  expect(await until(order.range, ({ state }) => state === 'stopped')).toMatchObject({ open: [{ groupId: third.id }] });
  host.letGo('validate');
  expect(await third.result()).toMatchObject({ state: 'completed' });
  expect(conversions([fourth])).toBe(0);
}, 120_000);

test('the command plans, starts, tells and refuses in words', async () => {
  const groups = admitted(1);
  const order = orderFor(groups);
  const [start, end] = order.range.split('..');
  const dry = await contimg('backfill', start ?? '', end ?? '', '--dry-run');
  expect(dry).toMatchObject({ code: 0, stdout: expect.stringMatching(/collecting +16 +start[\s\S]*1 of 1 groups would be started/) });
  await expect(backfillProgress(host.client, order.range)).rejects.toBeInstanceOf(BackfillRequestError);
  const unknown = await contimg('backfill', 'status', order.range);
  expect(unknown).toMatchObject({ code: 13, stderr: expect.stringContaining('no backfill of') });
  const none = await contimg('backfill', '2001-01-01', '2001-01-02');
  expect(none).toMatchObject({ code: 13, stderr: expect.stringContaining('--input-dir') });

  host.hold('concat');
  const started = await contimg('backfill', start ?? '', end ?? '', '--window', '3');
  expect(started).toMatchObject({ code: 0, stdout: expect.stringContaining(`contimg backfill status ${order.range}`) });
  const again = await contimg('backfill', start ?? '', end ?? '');
  expect(again).toMatchObject({ code: 14, stderr: expect.stringContaining('runs already') });
  await contimg('backfill', 'stop', order.range, '--reason', 'enough for today');
  const status = await contimg('backfill', 'status', order.range, '--json');
  expect(JSON.parse(status.stdout).data).toMatchObject({ state: 'stopped', window: 3, started: 1, lane: 'backlog' });
  host.letGo('concat');
}, 60_000);

const absent = (): never => {
  throw new Error('the group has no such file');
};

async function happens(reached: () => boolean): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!reached()) {
    if (Date.now() > deadline) throw new Error('it did not happen');
    await sleep(50);
  }
}

function contimg(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((done) => {
    const env = { PATH: process.env['PATH'] ?? '', HOME: host.folder };
    execFile(BIN, [...args, '--config', join(host.folder, 'contimg.json')], { env, timeout: 30_000 }, (error, stdout, stderr) => {
      done({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr });
    });
  });
}
