/** Mosaics through real workflows: told by finished groups, made once, made again when a member is others, and on demand. */
import { execFile } from 'node:child_process';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { hourMosaicInput } from '../../src/config/mosaic-input.ts';
import { type MosaicInput, type MosaicOutcome, MOSAIC_WORKFLOWS, stripHourOf } from '../../src/domain/mosaic.ts';
import { TASK_QUEUES } from '../../src/domain/observation-group.ts';
import { unixMsToMjd } from '../../src/domain/utc.ts';
import { VARIABILITY_WORKFLOW } from '../../src/domain/variability-command.ts';
import { applySchedules } from '../../src/temporal/schedules.ts';
import type { variabilityRecheck } from '../../workflows/variability.ts';
import { OneHost, type TestGroup } from './one-host.ts';

const main = join(resolve(import.meta.dirname, '..', '..'), 'src', 'cli', 'main.ts');
const LIMIT_MS = 90_000;

let host: OneHost;
let groups: TestGroup[];

/** 12:58:16 belongs to 13 h by its middle, as do the next two; the first of them is a calibrator. */
beforeAll(async () => {
  host = await OneHost.create({ 'policy.mosaic': true, 'mosaic.recheckS': 0.3, 'mosaic.deadlineS': 60 });
  await host.startWorker();
  groups = [host.newGroup(), host.newGroup(), host.newGroup()];
  const [calibrator] = groups;
  if (calibrator === undefined) throw new Error('no group was made');
  host.withCalibrator(calibrator);
  for (const group of groups) await group.announceAll();
  for (const group of groups) await group.result();
}, LIMIT_MS);
afterAll(() => host.stop(), 30_000);

interface Mosaic {
  product_id: number;
  name: string;
  tiles: number;
  status: string;
}
const mosaics = (): Mosaic[] =>
  host.read('SELECT m.product_id, m.name, m.tiles, p.status FROM mosaics m JOIN products p ON p.id = m.product_id ORDER BY m.product_id');

async function until<Value>(look: () => Value, reached: (value: Value) => boolean, what: string): Promise<Value> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const value = look();
    if (reached(value)) return value;
    if (Date.now() > deadline) throw new Error(`${what} did not happen; there is ${JSON.stringify(value)}`);
    await sleep(100);
  }
}

const contimg = (...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> =>
  new Promise((answer) => {
    execFile(process.execPath, [main, ...args, '--config', host.config], (error, stdout, stderr) => {
      answer({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });

const sweep = (): Promise<string[]> =>
  host.client.workflow.execute<() => Promise<string[]>>(MOSAIC_WORKFLOWS.sweep, {
    taskQueue: TASK_QUEUES.pipeline,
    workflowId: `sweep-${Date.now()}`,
    args: [],
  });

const hourOutcome = (): Promise<MosaicOutcome> => host.client.workflow.getHandle('mosaic/+50.5/2025-10-01T13').result();

test(
  'finished groups make the mosaic of their hour, once all of them are finished',
  async () => {
    await until(mosaics, ([made]) => made?.tiles === 3, 'a mosaic of three tiles');
    await hourOutcome();
    expect(mosaics().filter(({ status }) => status === 'current')).toMatchObject([{ name: 'p50.5.2025-10-01T13', tiles: 3 }]);
    const members = host.read('SELECT group_id, is_tile, reason FROM mosaic_members WHERE product_id = ?', mosaics().at(-1)?.product_id);
    expect(members).toEqual(groups.map(({ id }) => ({ group_id: id, is_tile: 1, reason: null })));
    expect(await sweep()).toEqual([]);
  },
  LIMIT_MS,
);

test(
  'a member made again makes the mosaic again, from its new image',
  async () => {
    const [, group] = groups;
    const before = mosaics().at(-1)?.product_id ?? 0;
    // With the same parameters it would be the same image, and the mosaic the same.
    host.reconfigure('steps', { image: { robust: 0.5 } });
    const { code } = await contimg('group', 'reprocess', String(group?.id), '--from', 'calibrate', '--reason', 'another try at its gains');
    expect(code).toBe(0);
    const now = await until(mosaics, (rows) => (rows.at(-1)?.product_id ?? 0) > before, 'another mosaic');
    expect(now.map(({ status }) => status).slice(-2)).toEqual(['superseded', 'current']);
    await hourOutcome();
  },
  LIMIT_MS,
);

test(
  'on demand: a dry run names members and those left out, then it is made, shown and not made twice',
  async () => {
    const range = ['--start', '2025-10-01T12:00:00', '--end', '2025-10-01T14:00:00', '--name', 'three-groups'];
    const [first] = groups;
    const dry = await contimg('mosaic', ...range, '--dry-run');
    expect([dry.code, dry.stdout]).toEqual([0, expect.stringContaining(String(first?.id))]);
    expect(mosaics().some(({ name }) => name === 'three-groups')).toBe(false);
    const refusal = join(host.folder, `no-tile-${first?.id}`);
    writeFileSync(refusal, '');
    const made = await contimg('mosaic', ...range);
    expect([made.stderr, made.code, made.stdout]).toEqual([
      '',
      0,
      expect.stringMatching(/three-groups: 2 tiles.*\n(.*\n)*.*the test refuses it/),
    ]);
    const shown = await contimg('mosaic', 'show', 'three-groups', '--json');
    expect(JSON.parse(shown.stdout).data.members).toHaveLength(3);
    rmSync(refusal);
    expect((await contimg('mosaic', ...range)).stdout).toContain('is there');
    expect((await contimg('mosaic', 'ls')).stdout).toMatch(/three-groups .*\n/);
    expect(await contimg('mosaic', 'show', 'nothing')).toMatchObject({ code: 13 });
    expect(await contimg('mosaic', '--start', '2024-10-01', '--end', '2024-10-02')).toMatchObject({ code: 13 });
  },
  LIMIT_MS,
);

test(
  'a try that fails is made up for by another; what can never succeed says why and leaves no planes in scratch',
  async () => {
    const range = ['--start', '2025-10-01T12:00:00', '--end', '2025-10-01T14:00:00', '--tier', 'deep'];
    host.failing('mosaic', { type: 'ToolFailed', code: 'Told', times: 1 });
    expect(await contimg('mosaic', ...range)).toMatchObject({ code: 0, stdout: expect.stringMatching(/^p50\.5\.\S+: [23] tiles/) });
    host.failing('mosaic', { type: 'BadInput', code: 'TilesTooFarApart' });
    expect(await contimg('mosaic', ...range, '--name', 'never')).toMatchObject({
      code: 17,
      stderr: expect.stringMatching(/TilesTooFarApart: mosaic was told to fail/),
    });
    host.succeeding('mosaic');
    expect(readdirSync(host.settings.paths.scratch, { recursive: true }).filter((name) => String(name).endsWith('products'))).toEqual([]);
  },
  LIMIT_MS,
);

test(
  'a group that is not finished is waited for until the deadline, then left out with its reason; when it finishes, it is added',
  async () => {
    host.hold('image');
    const late = host.newGroup();
    await late.announceAll();
    await late.until(({ step }) => step === 'image');
    const hour = stripHourOf({ decDeg: 50.5, midMjd: unixMsToMjd(Date.parse(`${late.id}Z`)) });
    const input: MosaicInput = { ...hourMosaicInput(host.settings, hour), deadlineMs: 1_000, tier: 'quicklook' };
    const outcome = await host.client.workflow.execute<(input: MosaicInput) => Promise<MosaicOutcome>>(MOSAIC_WORKFLOWS.mosaic, {
      taskQueue: TASK_QUEUES.pipeline,
      workflowId: 'an-impatient-hour',
      args: [input],
    });
    expect(outcome.leftOut).toContainEqual({ groupId: late.id, imageProductId: null, reason: 'not finished: in_progress at image' });
    host.letGo('image');
    await late.result();
    const last = await until(mosaics, (rows) => rows.at(-1)?.tiles === 4 && rows.at(-1)?.name === hour.name, 'a mosaic of all four');
    expect(last.filter(({ name, status }) => name === hour.name && status === 'current')).toHaveLength(1);
  },
  LIMIT_MS,
);

test(
  'schedules: each hour where mosaics are made, the variability each night at 03:00 UTC, which runs',
  async () => {
    const applied = await applySchedules(host.client, host.settings);
    expect(applied.map(({ id }) => id)).toEqual(expect.arrayContaining(['mosaic-hourly', 'variability-nightly']));
    const hourly = host.client.schedule.getHandle('mosaic-hourly');
    expect((await hourly.describe()).spec.calendars).toMatchObject([{ minute: [{ start: 10 }] }]);
    const nightly = host.client.schedule.getHandle('variability-nightly');
    expect((await nightly.describe()).spec.calendars).toMatchObject([{ hour: [{ start: 3 }], minute: [{ start: 0 }] }]);
    const { sources, corrected } = await host.client.workflow.execute<typeof variabilityRecheck>(VARIABILITY_WORKFLOW, {
      taskQueue: TASK_QUEUES.pipeline,
      workflowId: 'a-night',
      args: [],
    });
    expect([sources, corrected]).toEqual([0, 0]);
    await applySchedules(host.client, { ...host.settings, policy: { ...host.settings.policy, mosaic: false } });
    await expect(hourly.describe()).rejects.toThrow(/not found/i);
  },
  LIMIT_MS,
);
