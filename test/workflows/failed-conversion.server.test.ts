/** What a group that cannot be converted leaves for a person, and how a full disk holds groups without spending anything. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { resumeGroup } from '../../src/temporal/group-client.ts';
import { OneHost, type TestGroup } from './one-host.ts';

let host: OneHost;
const by = { by: 'observer', reason: 'found in the morning' };
afterEach(() => host.stop(), 30_000);

const failedFolder = (group: TestGroup): string =>
  join(host.settings.paths.output, 'ms', 'failed', group.id.slice(0, 10), `${group.id}.ms`);
const documentIn = (folder: string, name: string) => JSON.parse(readFileSync(join(folder, name), 'utf8'));

test('a rejected set is filed with its reason, its attempts, its log and itself; the success that follows is noted, no more', async () => {
  host = await OneHost.create({ 'policy.solve': true });
  await host.startWorker();
  host.failing('validate', { type: 'QualityRejected', code: 'V06' });
  const group = host.newGroup();
  host.withCalibrator(group);
  await group.announceAll();
  await group.parked();
  const folder = failedFolder(group);
  await group.until(() => existsSync(join(folder, 'error.json')));
  expect(documentIn(folder, 'error.json')).toMatchObject({
    group_id: group.id,
    step: 'organize',
    type: 'QualityRejected',
    code: 'V06',
    message: 'validate was told to fail',
    remedy: 'correct the parameter and resume',
    capsule_path: expect.stringContaining('capsule.json'),
    attempts: expect.arrayContaining([expect.objectContaining({ step: 'organize', outcome: 'failed' })]),
  });
  expect(documentIn(folder, 'manifest.json')).toMatchObject({
    group_id: group.id,
    missing_subbands: [],
    conversion: { inputs: expect.arrayContaining([expect.objectContaining({ subband: 15, sha256: expect.any(String) })]) },
  });
  expect(readdirSync(join(folder, 'salvaged.ms.failed'))).toEqual(['table.dat']);
  expect(existsSync(join(folder, 'log-tail.txt'))).toBe(true);

  host.succeeding('validate');
  const before = readdirSync(folder);
  await resumeGroup(host.client, group.id, by);
  expect(await group.result()).toMatchObject({ state: 'completed' });
  // The rejected set lies aside, so it was made again.
  expect(host.calls(group).filter(({ step }) => step === 'concat')).toHaveLength(2);
  expect(documentIn(folder, 'error.json')).toMatchObject({
    code: 'V06',
    resolved_by: { ms: expect.stringMatching(/calibrators.*\.ms$/), run_number: 1 },
  });
  expect(readdirSync(folder)).toEqual(before);
}, 60_000);

const disk = mkdtempSync(join(tmpdir(), 'contimg-small-disk-'));
/** Needs the right to mount; where it is missing, the test is reported as skipped. */
const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'contimg-test', disk]).status === 0;
afterAll(() => {
  if (mounted) execFileSync('umount', [disk]);
  rmSync(disk, { recursive: true });
});
const fill = (megabytes: number): void => writeFileSync(join(disk, 'something-else'), Buffer.alloc(megabytes * 2 ** 20));

(mounted ? describe : describe.skip)('a disk of 64 MB', () => {
  test('on a full disk new groups wait without spending attempts, and go on by themselves above the upper mark', async () => {
    fill(40);
    host = await OneHost.create({
      'paths.output': disk,
      'paths.scratch': join(disk, '.work'),
      'disk.pauseGb': 0.03,
      'disk.resumeGb': 0.05,
      'disk.recheckS': 0.2,
    });
    await host.startWorker();
    const group = host.newGroup();
    host.withCalibrator(group);
    await group.announceAll();
    const waiting = await group.until(({ waitingFor }) => waitingFor?.startsWith('space: ') === true);
    expect(waiting).toMatchObject({
      state: 'pending',
      step: 'claimHost',
      waitingFor: expect.stringContaining(`0.05 GB free in ${disk} before a new group starts`),
    });
    fill(25);
    await sleep(2_000);
    expect(await group.status()).toMatchObject({ state: 'pending', step: 'claimHost' });
    expect(host.calls(group)).toEqual([]);
    fill(0);
    const status = await group.result();
    expect(status.state).toBe('completed');
    expect(status.attempts.filter(({ step }) => step === 'claimHost')).toHaveLength(1);
    const { events } = await group.handle.fetchHistory();
    const looks = (events ?? []).filter((event) => event.activityTaskScheduledEventAttributes?.activityType?.name === 'claimHost');
    expect(looks.length).toBeGreaterThan(2);
  }, 60_000);
});
