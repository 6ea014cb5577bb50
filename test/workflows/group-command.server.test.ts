/** `contimg group` as an operator types it: real processes against a host at work. */
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { OneHost, type TestGroup } from './one-host.ts';

const contimg = resolve(import.meta.dirname, '..', '..', 'ops', 'bin', 'contimg');
const reason = ['--reason', 'clean diverged around 3C147'];

let host: OneHost;
beforeAll(async () => {
  host = await OneHost.create();
  await host.startWorker();
  const calibrator = host.newGroup();
  host.withCalibrator(calibrator);
  await calibrator.announceAll();
  await calibrator.result();
}, 90_000);
afterAll(() => host.stop(), 30_000);

function group(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((done) => {
    const command = ['group', ...args, '--config', host.config];
    execFile(contimg, command, { env: { PATH: process.env['PATH'] ?? '' }, timeout: 60_000 }, (error, stdout, stderr) => {
      done({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr });
    });
  });
}
const json = async (...args: string[]) => JSON.parse((await group(...args, '--json')).stdout);

/** A group whose imaging fails until its `mgain` is lowered. */
async function parkedGroup(): Promise<TestGroup> {
  host.failing('image', { type: 'BadInput', code: 'Diverged', whenParameterAbove: { name: 'mgain', limit: 0.75 } });
  const parked = host.newGroup();
  await parked.announceAll();
  await parked.parked();
  return parked;
}
afterEach(() => host.succeeding('image'));

test('ls and show name the group, its state, the failed step and the next command', async () => {
  const { id } = await parkedGroup();
  const list = await group('ls', '--state', 'needs_attention');
  expect(list).toMatchObject({ code: 0, stdout: expect.stringMatching(new RegExp(`${id} +needs_attention +image +16/16.*Diverged`)) });
  const show = await group('show', id);
  expect(show.stdout).toContain(`failed     image: Diverged: image was told to fail`);
  expect(show.stdout).toContain(`contimg group resume ${id} --reason`);
  const { ok, data } = await json('show', id);
  expect(ok).toBe(true);
  expect(data.group).toMatchObject({ group_id: id, state: 'needs_attention', failed_step: 'image', error_code: 'Diverged' });
  const tried = data.attempts.map(({ step, outcome }: { step: string; outcome: string }) => `${step} ${outcome}`);
  expect(tried.slice(-2)).toEqual(['calibrate done', 'image failed']);
  expect(data.products).toMatchObject([{ kind: 'ms', status: 'current' }]);
  expect(await group('cancel', id, ...reason)).toMatchObject({ code: 0, stdout: expect.stringContaining(`${id} is cancelled`) });
}, 90_000);

test('resume goes on with the corrected parameter; the products from before the failure stay', async () => {
  const parked = await parkedGroup();
  expect(await group('resume', parked.id, '--set', 'mgain=0.7', ...reason, '--wait')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining(`${parked.id} is completed`),
  });
  const programs = host.calls(parked).map(({ step }) => step);
  expect(programs).toEqual(['concat', 'validate', 'flag', 'calibrate', 'image', 'image', 'photometry']);
  expect(host.calls(parked).at(-2)?.parameters).toMatchObject({ mgain: 0.7, robust: 0 });
  expect(host.read('SELECT verb, via, reason FROM audit WHERE target = ?', parked.id)).toEqual([
    { verb: 'resume', via: 'update', reason: 'clean diverged around 3C147' },
  ]);
}, 90_000);

test('a resume that fails again says so with its own exit code', async () => {
  const parked = await parkedGroup();
  const again = await group('resume', parked.id, '--set', 'mgain=0.9', ...reason, '--wait');
  expect(again).toMatchObject({ code: 16, stdout: expect.stringContaining('is needs_attention, step image: Diverged') });
  await group('cancel', parked.id, ...reason);
}, 90_000);

test('what cannot be meant is refused as wrong usage, named, and leaves the group as it was', async () => {
  const parked = await parkedGroup();
  const refused = async (...args: string[]): Promise<string> => {
    const { code, stderr } = await group('resume', parked.id, ...args);
    return `${code} ${stderr}`;
  };
  expect(await refused('--set', 'mgian=0.7', ...reason)).toMatch(/^64 .*mgian[\s\S]*did you mean .*mgain\?/);
  expect(await refused('--set', 'mgain=2', ...reason)).toMatch(/^64 [\s\S]*mgain/);
  expect(await refused('--set', 'mgain', ...reason)).toMatch(/^64 [\s\S]*KEY=VALUE/);
  expect(await refused('--from', 'photometry', ...reason)).toMatch(/^64 [\s\S]*photometry comes after the failed step image/);
  expect(await refused('--from', 'imaging', ...reason)).toMatch(/^64 [\s\S]*no step "imaging"/);
  expect(await refused('--reason', 'short')).toMatch(/^64 [\s\S]*8 to 500 characters/);
  expect(await parked.status()).toMatchObject({ state: 'needs_attention', failedStep: 'image' });
  expect(host.calls(parked).filter(({ step }) => step === 'image')).toHaveLength(1);
  await group('cancel', parked.id, ...reason);
}, 120_000);

test('of two operators one is heard; the other reads who was first', async () => {
  const parked = await parkedGroup();
  host.hold('image');
  const answers = await Promise.all(
    [1, 2].map((operator) => group('resume', parked.id, '--set', 'mgain=0.7', '--reason', `operator ${operator} lowers mgain`)),
  );
  host.letGo('image');
  expect(answers.map(({ code }) => code).sort((one, two) => one - two)).toEqual([0, 14]);
  expect(answers.find(({ code }) => code === 14)?.stderr).toMatch(/not_waiting|resumed it already|waits for nobody/);
  expect(await parked.result()).toMatchObject({ state: 'completed' });
  expect(host.calls(parked).filter(({ step }) => step === 'image')).toHaveLength(2);
  expect(host.read('SELECT count(*) AS n FROM audit WHERE target = ?', parked.id)).toEqual([{ n: 1 }]);
}, 90_000);

test('a group that is closed, or was never there, is answered for what it is', async () => {
  const parked = await parkedGroup();
  await group('cancel', parked.id, ...reason);
  await parked.result();
  expect(await group('cancel', parked.id, ...reason)).toMatchObject({ code: 14 });
  expect(await group('resume', parked.id, ...reason)).toMatchObject({ code: 14 });
  const unknown = await group('show', '2031-01-01T00:00:00');
  expect(unknown).toMatchObject({ code: 13, stderr: expect.stringContaining('contimg group ls') });
}, 90_000);
