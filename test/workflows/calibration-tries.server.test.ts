/** A calibration set that fails its gate is not the end: other flags and other calibrators are tried, and every try is told. */
import { resumeGroup } from '../../src/temporal/group-client.ts';
import { OneHost, type TestGroup } from './one-host.ts';

let host: OneHost;
beforeAll(async () => {
  host = await OneHost.create();
  await host.startWorker();
}, 60_000);
afterAll(() => host.stop(), 30_000);
afterEach(() => host.withGoodSolutions());

const small: Parameters<OneHost['newGroup']>[0] = {
  subbands: [0, 1],
  policy: (policy) => Object.assign(policy.collecting, { expected: 2, minimum: 2 }),
};

async function calibratorGroup(...names: string[]): Promise<TestGroup> {
  const group = host.newGroup(small);
  host.withCalibrator(group, ...names);
  await group.announceAll();
  return group;
}
const tries = (group: TestGroup): unknown[] =>
  host.calls(group).flatMap(({ step, parameters }) => (step === 'flag' ? [[parameters['mad_sigma'], parameters['aoflagger']]] : []));
const setsOf = (group: TestGroup) =>
  host.read<{ calibrator: string; status: string; parameters: string }>(
    `SELECT s.calibrator, s.status, p.parameters FROM calibration_sets s JOIN products p ON p.id = s.product_id
     WHERE s.group_id = ? ORDER BY s.id`,
    group.id,
  );

test('a set that its gate rejects is kept, the group is flagged more strictly and solved again, and product and attempts tell both tries', async () => {
  host.withPoorSolutions({ calibrator: '3C147', madSigma: 5.25 });
  const group = await calibratorGroup('3C147');
  const ended = await group.result();
  expect(ended).toMatchObject({ state: 'completed', failure: null });
  expect(tries(group)).toEqual([
    [7, true],
    [5.25, true],
  ]);
  expect(ended.attempts.filter(({ step }) => step === 'flag' || step === 'solve')).toMatchObject([
    { step: 'flag', outcome: 'done', note: null },
    { step: 'solve', outcome: 'failed', note: expect.stringContaining('3C147 failed their gate: the median S/N is 2') },
    { step: 'flag', outcome: 'done', note: 'strict flags, after 1 rejected set(s)' },
    { step: 'solve', outcome: 'done', note: 'passed with 3C147 on strict flags, after 3C147 on standard flags had been rejected' },
  ]);
  const [rejected, used] = setsOf(group);
  expect([rejected?.status, used?.status]).toEqual(['rejected', 'active']);
  expect(JSON.parse(used?.parameters ?? '')).toMatchObject({
    flagging: 'strict',
    rejectedTries: [{ calibrator: '3C147', flagging: 'standard', reason: expect.stringContaining('median S/N is 2') }],
  });
  const applied = 'SELECT s.status FROM calibration_applied a JOIN calibration_sets s ON s.id = a.set_id WHERE s.group_id = ?';
  expect(host.read(applied, group.id)).toEqual([{ status: 'active' }]);
}, 90_000);

test('after every way of flagging comes the next calibrator of the group', async () => {
  host.withPoorSolutions({ calibrator: 'J0555+398', madSigma: 7 });
  const group = await calibratorGroup('3C147', 'J0555+398');
  expect(await group.result()).toMatchObject({ state: 'completed' });
  expect(setsOf(group).map(({ calibrator, status }) => [calibrator, status])).toEqual([
    ['3C147', 'rejected'],
    ['3C147', 'rejected'],
    ['3C147', 'rejected'],
    ['J0555+398', 'active'],
  ]);
}, 90_000);

test('a group parks only when every try failed, with all reasons; resumed, it begins again with the first', async () => {
  host.withPoorSolutions();
  const group = await calibratorGroup('3C147');
  const { failure, failedStep } = await group.parked();
  expect([failedStep, failure?.code]).toEqual(['solve', 'CalibrationGate']);
  for (const flagging of ['standard', 'strict', 'lenient']) expect(failure?.message).toContain(`3C147 on ${flagging} flags`);
  expect(failure?.message).toContain('none of 3 tries');
  expect(setsOf(group).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);

  host.withGoodSolutions();
  await resumeGroup(host.client, group.id, { by: 'observer', reason: 'looked at all three', parameters: { minSnr: 4 } });
  expect(await group.result()).toMatchObject({ state: 'completed' });
  expect(tries(group)).toEqual([
    [7, true],
    [5.25, true],
    [14, false],
    [7, true],
  ]);
}, 90_000);
