/** The life of a group against a real server, a real worker and a real database; only the science programs are quick ones. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cancelGroup, resumeGroup } from '../../src/temporal/group-client.ts';
import { GroupRequestError } from '../../src/temporal/temporal-errors.ts';
import { arrivalOf } from './host-files.ts';
import { OneHost, type TestGroup } from './one-host.ts';

let host: OneHost;
const absent = (): never => {
  throw new Error('the group has no such file');
};
const by = { by: 'observer', reason: 'found in the morning' };

beforeAll(async () => {
  host = await OneHost.create();
  await host.startWorker();
}, 60_000);
afterAll(() => host.stop(), 30_000);

const stepsRun = (group: TestGroup): string[] => host.calls(group).map((call) => call.step);
const ledgerOf = (group: TestGroup) =>
  host.read<{ outcome: string; reason: string }>('SELECT outcome, reason FROM ledger WHERE group_id = ?', group.id)[0];

describe('a calibrator transit', () => {
  test('walks the whole line, registers a set, and closes its ledger row', async () => {
    const group = host.newGroup();
    host.withCalibrator(group);
    await group.announceAll();
    const status = await group.result();
    expect(status).toMatchObject({ state: 'completed', missing: [], degradedReasons: [] });
    expect(stepsRun(group)).toEqual(['concat', 'validate', 'flag', 'solve', 'calibrate', 'image', 'photometry']);
    expect(ledgerOf(group)).toMatchObject({ outcome: 'done' });
    expect(host.read('SELECT status FROM calibration_sets')).toEqual([{ status: 'active' }]);
    expect(existsSync(join(host.settings.paths.scratch, group.id, status.groupId))).toBe(false);
  }, 60_000);
});

describe('a science group', () => {
  test('uses the set of its strip, whatever the order and number of its arrivals', async () => {
    const group = host.newGroup();
    for (const file of group.files.toReversed()) await group.announce(file);
    await group.announce(group.files[3] ?? absent());
    const status = await group.result();
    expect(status.state).toBe('completed');
    expect(stepsRun(group).filter((step) => step === 'concat')).toHaveLength(1);
  }, 60_000);

  test('leaves nothing in scratch or memory', async () => {
    const group = host.newGroup();
    await group.announceAll();
    await group.result();
    const left = [host.settings.paths.scratch, join(host.settings.paths.tmpfs, 'contimg')].flatMap((folder) =>
      existsSync(join(folder, group.id)) ? readdirSync(join(folder, group.id)) : [],
    );
    expect(left).toEqual([]);
  }, 60_000);

  test.each(['concat', 'validate', 'flag', 'calibrate', 'image', 'photometry'])(
    '%s failing once costs one attempt and no group',
    async (step) => {
      host.failing(step, { type: 'ToolFailed', code: 'Crashed', times: 1 });
      const group = host.newGroup();
      await group.announceAll();
      const status = await group.result();
      expect(status.state).toBe('completed');
      expect(stepsRun(group).filter((called) => called === step)).toHaveLength(2);
      expect(status.attempts.filter((attempt) => attempt.outcome === 'failed')).toHaveLength(1);
    },
    60_000,
  );

  test.each(['concat', 'flag', 'calibrate', 'image', 'photometry'])(
    '%s failing for good parks; resumed with nothing changed it goes on from there',
    async (step) => {
      host.failing(step, { type: 'BadInput', code: 'Damaged' });
      const group = host.newGroup();
      await group.announceAll();
      const parked = await group.parked();
      expect(parked).toMatchObject({ failedStep: step, failure: { type: 'BadInput', code: 'Damaged' } });
      expect(ledgerOf(group)).toMatchObject({ outcome: 'pending' });
      host.succeeding(step);
      await resumeGroup(host.client, group.id, by);
      expect(await group.result()).toMatchObject({ state: 'completed', processingStage: 'resuming' });
      expect(stepsRun(group).filter((called) => called === step)).toHaveLength(2);
    },
    60_000,
  );

  test('a retryable failure is tried as often as the policy says, then parks with its capsule', async () => {
    host.failing('flag', { type: 'ToolFailed', code: 'Crashed' });
    const group = host.newGroup({
      policy: (policy) => {
        policy.timing.maxRetries = 2;
      },
    });
    await group.announceAll();
    const parked = await group.parked();
    expect(parked.attempts.filter(({ step }) => step === 'flag')).toHaveLength(3);
    expect(existsSync(parked.failure?.capsulePath ?? '')).toBe(true);
    host.succeeding('flag');
    await cancelGroup(host.client, group.id, by);
  }, 60_000);
});

describe('a group parked by a bad parameter', () => {
  const badParameter = { type: 'BadInput', code: 'Diverged', whenParameterAbove: { name: 'mgain', limit: 0.75 } };
  const corrected = { ...by, parameters: { mgain: 0.7 } };
  const productTimes = (group: TestGroup): Record<string, number> =>
    Object.fromEntries(
      host
        .read<{ path: string }>(
          `SELECT l.root || '/' || p.path AS path FROM products p JOIN storage_locations l ON l.name = p.location WHERE p.group_id = ?`,
          group.id,
        )
        .map(({ path }) => [path, statSync(path).mtimeMs]),
    );

  async function park(): Promise<TestGroup> {
    host.failing('image', badParameter);
    const group = host.newGroup();
    await group.announceAll();
    await group.parked();
    return group;
  }
  afterEach(() => host.succeeding('image'));

  test('resumes with the corrected one by update; earlier outputs are untouched', async () => {
    const group = await park();
    const before = productTimes(group);
    expect(Object.keys(before)).toHaveLength(1);
    await resumeGroup(host.client, group.id, corrected);
    expect(await group.result()).toMatchObject({ state: 'completed' });
    expect(productTimes(group)).toMatchObject(before);
    expect(stepsRun(group)).toEqual(['concat', 'validate', 'flag', 'calibrate', 'image', 'image', 'photometry']);
    expect(host.calls(group).at(-2)?.parameters).toMatchObject({ mgain: 0.7, robust: 0 });
  }, 60_000);

  test('resumes by `temporal workflow signal`', async () => {
    const group = await park();
    await host.temporal(
      'workflow',
      'signal',
      '--workflow-id',
      `group/${group.id}`,
      '--name',
      'resume',
      '--input',
      JSON.stringify(corrected),
    );
    expect(await group.result()).toMatchObject({ state: 'completed' });
  }, 60_000);

  test('resumes by the documented SQL repair, which is answered in its row', async () => {
    const group = await park();
    host.succeeding('image');
    const repair = `UPDATE ingest_queue SET state='pending', processing_stage='collecting' WHERE group_id='${group.id}';`;
    execFileSync('sqlite3', [host.settings.paths.database, repair]);
    expect(await group.result()).toMatchObject({ state: 'completed' });
    expect(host.read('SELECT answer FROM operator_requests WHERE group_id = ?', group.id)).toEqual([{ answer: 'accepted' }]);
  }, 60_000);

  test('can go back to an earlier step, which then runs again with all after it', async () => {
    const group = await park();
    host.succeeding('image');
    await resumeGroup(host.client, group.id, { ...by, from: 'flag' });
    await group.result();
    expect(stepsRun(group)).toEqual(['concat', 'validate', 'flag', 'calibrate', 'image', 'flag', 'calibrate', 'image', 'photometry']);
  }, 60_000);

  test('refuses a later step, a wrong parameter, a missing reason and a second operator, and says why', async () => {
    const group = await park();
    const refusal = async (request: object): Promise<string> => {
      try {
        await group.handle.executeUpdate('resume', { args: [request] });
        return 'accepted';
      } catch (error) {
        const cause = error instanceof Error ? error.cause : null;
        return cause instanceof Error && 'type' in cause ? String(cause.type) : String(error);
      }
    };
    expect(await refusal({ ...by, from: 'photometry' })).toBe('invalid_step');
    expect(await refusal({ ...by, parameters: { mgain: 2 } })).toBe('invalid_parameters');
    expect(await refusal({ by: 'observer' })).toBe('invalid_request');
    await group.handle.signal('resume', { by: 'observer', reason: 'short' });
    expect((await group.until((status) => status.lastRefusal !== null)).lastRefusal?.reason).toContain('8 to 500');
    const answers = await Promise.allSettled(
      [1, 2].map((operator) => resumeGroup(host.client, group.id, { ...corrected, by: `operator ${operator}` })),
    );
    expect(answers.map((answer) => answer.status).sort()).toEqual(['fulfilled', 'rejected']);
    const rejected = answers.find((answer) => answer.status === 'rejected');
    expect(rejected?.reason).toBeInstanceOf(GroupRequestError);
    expect(rejected?.reason).toMatchObject({ code: 'not_waiting' });
    await group.result();
    expect(host.read('SELECT verb FROM audit WHERE target = ?', group.id)).toEqual([{ verb: 'resume' }]);
  }, 60_000);
});

describe('cancelling', () => {
  test.each(['concat', 'flag', 'calibrate', 'image', 'photometry'])(
    'in %s ends its process, frees scratch, publishes nothing more',
    async (step) => {
      host.hold(step);
      const group = host.newGroup();
      await group.announceAll();
      await group.until(() => stepsRun(group).includes(step));
      const pid = host.calls(group).at(-1)?.pid ?? 0;
      const products = host.read('SELECT id FROM products WHERE group_id = ?', group.id).length;
      const status = await cancelGroup(host.client, group.id, by);
      host.letGo(step);
      expect(status.state).toBe('cancelled');
      expect(() => process.kill(pid, 0)).toThrow('ESRCH');
      expect(existsSync(join(host.settings.paths.scratch, group.id))).toBe(false);
      expect(host.read('SELECT id FROM products WHERE group_id = ?', group.id)).toHaveLength(products);
      await group.result();
      expect(ledgerOf(group)).toMatchObject({ outcome: 'skipped', reason: expect.stringContaining('observer') });
    },
    60_000,
  );
});

describe('an incomplete group', () => {
  const impatient = (minimum: number) => ({
    policy: (policy: TestGroup['input']['policy']) => Object.assign(policy.collecting, { deadlineMs: 1500, minimum }),
  });

  test('is converted degraded at the deadline, and upgraded by itself when the late subband arrives', async () => {
    const group = host.newGroup({ ...impatient(14) });
    const late = group.files.pop() ?? absent();
    host.hold('image');
    await group.announceAll();
    await group.until((status) => status.step === 'image');
    await group.announce(late);
    host.letGo('image');
    const status = await group.result();
    expect(status).toMatchObject({ state: 'completed', runNumber: 2, missing: [], degradedReasons: [] });
    expect(ledgerOf(group)).toMatchObject({ outcome: 'done' });
    const versions = host.read<{ status: string; path: string }>(
      `SELECT status, path FROM products WHERE group_id = ? AND kind = 'ms' ORDER BY id`,
      group.id,
    );
    expect(versions).toMatchObject([{ status: 'superseded' }, { status: 'current', path: expect.stringContaining('.v2.ms') }]);
  }, 60_000);

  test('parks when too few came, and goes on by itself when the rest arrives', async () => {
    const group = host.newGroup({ ...impatient(16) });
    const late = group.files.pop() ?? absent();
    await group.announceAll();
    expect(await group.parked()).toMatchObject({ failedStep: 'collect', failure: { code: 'SubbandsMissing' }, missing: [15] });
    await group.announce(late);
    expect(await group.result()).toMatchObject({ state: 'completed', missing: [] });
  }, 60_000);

  test('an operator may accept what is there; the products say it is degraded', async () => {
    const group = host.newGroup({ ...impatient(16) });
    group.files.pop();
    await group.announceAll();
    await group.parked();
    await resumeGroup(host.client, group.id, { ...by, acknowledgeDegraded: true });
    expect(await group.result()).toMatchObject({ state: 'completed', degradedReasons: ['subbands_missing'] });
    expect(ledgerOf(group)).toMatchObject({ outcome: 'degraded', reason: 'subbands_missing' });
  }, 60_000);
});

describe('a raw file', () => {
  test('replaced between admission and staging fails that attempt and is named', async () => {
    const group = host.newGroup({
      policy: (policy) => {
        policy.timing.maxRetries = 0;
      },
    });
    const victim = group.files[5] ?? absent();
    writeFileSync(victim.path, 'something longer than before, by another hand');
    await group.announceAll();
    const parked = await group.parked();
    expect(parked).toMatchObject({
      failedStep: 'stageToScratch',
      failure: { code: 'MemberChanged', message: expect.stringContaining('sb05') },
    });
    await cancelGroup(host.client, group.id, by);
  }, 60_000);

  test('of a subband already held wins when it is newer and conversion has not begun', async () => {
    const group = host.newGroup();
    const held = group.files[0] ?? absent();
    const path = `${held.path}.again`;
    writeFileSync(path, 'the same subband, written again');
    utimesSync(path, new Date(), new Date(Date.now() + 60_000));
    await group.announce(arrivalOf(path, 0));
    await group.announceAll();
    await group.result();
    const [row] = host.read<{ parameters: string }>(`SELECT count(*) AS n FROM products WHERE group_id = ?`, group.id);
    expect(row).toBeDefined();
    expect(stepsRun(group)).toContain('photometry');
  }, 60_000);
});
