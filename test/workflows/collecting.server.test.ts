/** What a group does before it is complete: decide at the deadline as its policy says, be cancelled, survive nonsense. */
import { GROUP_SIGNALS } from '../../src/domain/observation-group.ts';
import { cancelGroup, resumeGroup } from '../../src/temporal/group-client.ts';
import { OneHost, type TestGroup } from './one-host.ts';

let host: OneHost;
beforeAll(async () => {
  host = await OneHost.create({ 'policy.solve': true });
  await host.startWorker();
  const calibrator = host.newGroup();
  host.withCalibrator(calibrator);
  await calibrator.announceAll();
  await calibrator.result();
}, 90_000);
afterAll(() => host.stop(), 30_000);

const by = { by: 'observer', reason: 'found in the morning' };
type Collecting = TestGroup['input']['policy']['collecting'];
const collecting = (changes: Partial<Collecting>, missing: number) => ({
  subbands: Array.from({ length: 16 - missing }, (_, subband) => subband),
  policy: (policy: TestGroup['input']['policy']) => Object.assign(policy.collecting, changes),
});
const ledgerOf = (group: TestGroup) => host.read('SELECT outcome, reason FROM ledger WHERE group_id = ?', group.id);

describe('at the deadline', () => {
  test('policy `fail` closes the group without a result and says why in the ledger', async () => {
    const group = host.newGroup(collecting({ deadlineMs: 500, minimum: 14, onDeadline: 'fail' }, 1));
    await group.announceAll();
    const message = expect.stringContaining('15 of 16 subbands at the deadline, the policy is fail; missing sb15');
    expect(await group.result()).toMatchObject({ state: 'failed', failedStep: 'collect', failure: { code: 'SubbandsMissing', message } });
    expect(ledgerOf(group)).toEqual([{ outcome: 'skipped', reason: message }]);
    expect(host.calls(group)).toEqual([]);
  }, 60_000);

  test('fewer than the minimum ask for a person, even under policy `fail`', async () => {
    const group = host.newGroup(collecting({ deadlineMs: 500, minimum: 14, onDeadline: 'fail' }, 3));
    await group.announceAll();
    expect(await group.parked()).toMatchObject({
      failure: { message: expect.stringContaining('13 of 16 subbands at the deadline, at least 14 are asked for') },
      missing: [13, 14, 15],
    });
    await resumeGroup(host.client, group.id, { ...by, acknowledgeDegraded: true });
    expect(await group.result()).toMatchObject({ state: 'completed', degradedReasons: ['subbands_missing'] });
  }, 60_000);

  test('policy `park` asks for a person, who may cancel', async () => {
    const group = host.newGroup(collecting({ deadlineMs: 500, minimum: 14, onDeadline: 'park' }, 1));
    await group.announceAll();
    expect(await group.parked()).toMatchObject({ failure: { message: expect.stringContaining('the policy is park') } });
    expect(await cancelGroup(host.client, group.id, by)).toMatchObject({ state: 'cancelled', waitingFor: null });
    expect(await group.result()).toMatchObject({ state: 'cancelled' });
    expect(ledgerOf(group)).toEqual([{ outcome: 'skipped', reason: 'cancelled by observer: found in the morning' }]);
  }, 60_000);
});

test('a group that is still collecting says what it misses, and can be cancelled', async () => {
  const group = host.newGroup(collecting({ deadlineMs: 600_000 }, 2));
  await group.announceAll();
  const status = await group.until(({ waitingFor }) => waitingFor === 'sb14, sb15');
  expect(status).toMatchObject({
    state: 'collecting',
    nextAutomaticAction: expect.stringContaining('decides by policy convert-degraded at 20'),
  });
  expect(await cancelGroup(host.client, group.id, by)).toMatchObject({ state: 'cancelled' });
  await group.result();
  expect(host.calls(group)).toEqual([]);
  expect(ledgerOf(group)).toMatchObject([{ outcome: 'skipped' }]);
}, 60_000);

test.each([
  ['nothing at all', []],
  ['a word', ['sb03']],
  ['null', [null]],
  ['a file without a digest', [{ path: '/x', subband: 3 }]],
  [
    'a subband that does not exist',
    [{ path: '/x', subband: 16, bytes: 1, mtimeMs: 0, inode: '1', headerDigest: '', gridDigest: '', integrations: 1 }],
  ],
])(
  'an announcement that is %s is noted and harms nothing',
  async (_, payload) => {
    const group = host.newGroup();
    const [first, ...rest] = group.files;
    if (first === undefined) throw new Error('a group has files');
    await group.announce(first);
    await group.handle.signal(GROUP_SIGNALS.subbandArrived, ...payload);
    expect(await group.until(({ lastRefusal }) => lastRefusal !== null)).toMatchObject({
      lastRefusal: { verb: 'subbandArrived' },
      present: [0],
    });
    for (const file of rest) await group.announce(file);
    expect(await group.result()).toMatchObject({ state: 'completed', missing: [], late: [] });
  },
  60_000,
);
