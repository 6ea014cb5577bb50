/**
 * Rounds of self-calibration with a real server and worker: the best round is imaged, good data are imaged as they are, and a
 * round that was done is never done again, whoever was killed or resumed.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GROUP_UPDATES } from '../../src/domain/observation-group.ts';
import { OneHost, type TestGroup } from './one-host.ts';

/** On a machine that others use. */
const LIMIT_MS = 120_000;

let host: OneHost;
beforeAll(async () => {
  host = await OneHost.create({ 'attempt.maxRetries': 1 });
  await host.startWorker();
  const calibrator = host.newGroup();
  host.withCalibrator(calibrator);
  await calibrator.announceAll();
  await calibrator.result();
}, LIMIT_MS);
afterAll(() => host.stop(), 30_000);

/** A group that asks for so many rounds; the others have none. */
function withRounds(selfCalRounds: number): TestGroup {
  const group = host.newGroup();
  group.input.parameters = { ...group.input.parameters, calibrate: { ...group.input.parameters.calibrate, selfCalRounds } };
  return group;
}
const rounds = (group: TestGroup): unknown[] =>
  host
    .calls(group)
    .filter(({ step }) => step === 'selfcal')
    .map(({ attemptId }) => attemptId.split('.').at(-2));
const calibrations = (group: TestGroup): number => host.calls(group).filter(({ step }) => step === 'calibrate').length;
const noteOf = (group: TestGroup): string | null | undefined =>
  host.read<{ note: string | null }>(
    "SELECT note FROM step_attempts WHERE group_id = ? AND step = 'calibrate' ORDER BY attempt DESC",
    group.id,
  )[0]?.note;

test(
  'switched off, as it is by default, nothing is run and nothing is said',
  async () => {
    const group = host.newGroup();
    await group.announceAll();
    await group.result();
    expect([rounds(group), noteOf(group)]).toEqual([[], null]);
  },
  LIMIT_MS,
);

test(
  'every round that is asked for is done while the noise falls, and the best one is imaged',
  async () => {
    const group = withRounds(2);
    await group.announceAll();
    await group.result();
    expect(rounds(group)).toEqual(['selfcal-1', 'selfcal-2']);
    expect(noteOf(group)).toBe('self-calibration: round 2 of 2 is imaged: noise falls');
    expect(imaged(group)).toMatch(/\.round-2\.ms$/);
  },
  LIMIT_MS,
);

test(
  'good data are imaged as they were calibrated, and the reason is on record',
  async () => {
    writeFileSync(join(host.folder, 'good-already'), '');
    const group = withRounds(3);
    await group.announceAll();
    await group.result();
    rmSync(join(host.folder, 'good-already'));
    expect(rounds(group)).toEqual(['selfcal-1']);
    expect(noteOf(group)).toBe('self-calibration: not kept after round 1: noise does not fall');
    expect(imaged(group)).toMatch(/\.calibrated\.ms$/);
  },
  LIMIT_MS,
);

test.each(['killWorker', 'stopWorker'] as const)(
  'after %s in round 2 it goes on with round 2',
  async (end) => {
    const group = withRounds(3);
    host.hold('selfcal-2');
    await group.announceAll();
    await group.until(() => rounds(group).length === 2);
    await host[end]();
    host.letGo('selfcal-2');
    await host.startWorker();
    await group.result();
    expect(rounds(group).filter((round) => round === 'selfcal-1')).toHaveLength(1);
    expect(rounds(group).at(-1)).toBe('selfcal-3');
    expect(calibrations(group)).toBe(1);
  },
  LIMIT_MS,
);

test(
  'a person goes on from a round that is named; one that cannot be begun is refused',
  async () => {
    host.failing('selfcal', { type: 'BadInput', code: 'NothingToSolveOn', whenParameterAbove: { name: 'self_cal_min_gain', limit: 0.5 } });
    const group = withRounds(1);
    group.input.parameters.calibrate.selfCalMinGain = 0.9;
    await group.announceAll();
    await group.parked();
    const resume = (changes: object) =>
      group.handle.executeUpdate(GROUP_UPDATES.resume, { args: [{ by: 'ada', reason: 'the limit was too high', ...changes }] });
    await expect(resume({ fromRound: 2 })).rejects.toMatchObject({
      cause: { message: expect.stringMatching(/0 rounds of calibrate are done/) },
    });
    await resume({ fromRound: 1, parameters: { selfCalMinGain: 0.02 } });
    await group.result();
    host.succeeding('selfcal');
    expect([calibrations(group), rounds(group)]).toEqual([1, ['selfcal-1', 'selfcal-1']]);
  },
  LIMIT_MS,
);

/** The set that the last image of a group was made from. */
const imaged = (group: TestGroup): string | undefined => host.calls(group).findLast(({ step }) => step === 'image')?.ms;
