/** A night that has no calibration set yet: who waits, who asks for a person, and what brings both on again. */
import { GROUP_SIGNALS } from '../../src/domain/observation-group.ts';
import { cancelGroup, resumeGroup } from '../../src/temporal/group-client.ts';
import { OneHost, type TestGroup } from './one-host.ts';

let host: OneHost;
beforeEach(async () => {
  host = await OneHost.create();
  await host.startWorker();
}, 60_000);
afterEach(() => host.stop(), 30_000);

const by = { by: 'observer', reason: 'found in the morning' };
/** Rechecks so rare that only the news of a set can bring the group on within the test. */
const waiting = (waitMs: number) => ({
  policy: (policy: TestGroup['input']['policy']) => {
    policy.calibration.waitMs = waitMs;
    policy.collecting.recheckMs = 600_000;
  },
});
const sets = () => host.read<{ status: string }>('SELECT status FROM calibration_sets ORDER BY id').map(({ status }) => status);

async function calibrator(): Promise<TestGroup> {
  const group = host.newGroup();
  host.withCalibrator(group);
  await group.announceAll();
  return group;
}

test('a group waits in `calibrate`, says for what and until when, and goes on as soon as another group’s set is there', async () => {
  const group = host.newGroup(waiting(600_000));
  await group.announceAll();
  const status = await group.until(({ waitingFor }) => waitingFor !== null && waitingFor.includes('calibration'));
  expect(status).toMatchObject({
    state: 'in_progress',
    step: 'calibrate',
    waitingFor: 'a calibration set for declination 50.50°',
    nextAutomaticAction: expect.stringMatching(/goes on when one is registered; asks for a person at 20/),
  });
  const solved = await calibrator();
  expect(await solved.result()).toMatchObject({ state: 'completed' });
  expect(await group.result()).toMatchObject({ state: 'completed', degradedReasons: [], waitingFor: null });
  expect(host.calls(group).filter(({ step }) => step === 'calibrate')).toHaveLength(1);
}, 90_000);

test('when its patience ends it asks for a person, stays deaf to other strips, and goes on by itself when its set comes', async () => {
  const group = host.newGroup(waiting(300));
  await group.announceAll();
  const parked = await group.parked();
  expect(parked).toMatchObject({
    failedStep: 'calibrate',
    failure: { type: 'NoCalibration', remedy: expect.stringContaining('by itself') },
    nextAutomaticAction: 'goes on when a calibration set of this strip is registered',
  });
  await group.handle.signal(GROUP_SIGNALS.calibrationAvailable, { productId: 1, decDeg: 16.2 });
  expect(await group.status()).toMatchObject({ state: 'needs_attention' });
  await (await calibrator()).result();
  expect(await group.result()).toMatchObject({ state: 'completed', processingStage: 'resuming', failure: null });
}, 90_000);

test('where it is allowed, a group whose patience ends takes the nearest set of its strip, and says that it is provisional', async () => {
  await (await calibrator()).result();
  const group = host.newGroup({
    policy: (policy: TestGroup['input']['policy']) => {
      policy.calibration = { ...policy.calibration, validityHours: 0.01, waitMs: 300, provisionalDays: 30 };
    },
  });
  await group.announceAll();
  expect(await group.result()).toMatchObject({ state: 'completed', degradedReasons: ['calibration_provisional'] });
  expect(host.read('SELECT calibration_how FROM images WHERE group_id = ?', group.id)).toEqual([{ calibration_how: 'provisional' }]);
}, 90_000);

test('sets that fail their gate park their own group, are kept, and are offered to nobody', async () => {
  const waiter = host.newGroup(waiting(600_000));
  await waiter.announceAll();
  host.withPoorSolutions();
  const group = await calibrator();
  const parked = await group.parked();
  expect(parked).toMatchObject({
    failedStep: 'solve',
    failure: {
      type: 'QualityRejected',
      code: 'CalibrationGate',
      message: expect.stringContaining('median S/N is 2'),
      sideEffects: 'published',
    },
  });
  expect(sets()).toEqual(['rejected', 'rejected', 'rejected']);
  expect(parked.attempts.filter(({ step }) => step === 'solve')).toHaveLength(3);
  expect(await waiter.until(({ step }) => step === 'calibrate')).toMatchObject({ state: 'in_progress' });

  host.withGoodSolutions();
  await resumeGroup(host.client, group.id, { ...by, parameters: { minSnr: 4 } });
  expect(await group.result()).toMatchObject({ state: 'completed' });
  expect(await waiter.result()).toMatchObject({ state: 'completed' });
  expect(sets()).toEqual(['rejected', 'rejected', 'rejected', 'active']);
}, 90_000);

test('cancelling a group that solves ends its process and registers no set', async () => {
  host.hold('solve');
  const group = await calibrator();
  await group.until(() => host.calls(group).some(({ step }) => step === 'solve'));
  const pid = host.calls(group).at(-1)?.pid ?? 0;
  expect(await cancelGroup(host.client, group.id, by)).toMatchObject({ state: 'cancelled' });
  expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  expect(sets()).toEqual([]);
  await group.result();
}, 90_000);
