/** kill -9 of the worker in every step of the line: the group completes, and at most the step it was in runs twice. */
import { STEPS } from '../../src/domain/step.ts';
import { groupIsAlive } from '../../src/runner/process-group.ts';
import { OneHost, type TestGroup } from '../workflows/one-host.ts';

let host: OneHost;
beforeAll(async () => {
  host = await OneHost.create({ 'calibration.validityHours': 24 });
  await host.startWorker();
  const calibrator = host.newGroup();
  host.withCalibrator(calibrator);
  await calibrator.announceAll();
  await calibrator.result();
}, 90_000);
afterAll(() => host.stop(), 30_000);

/** Programs of the line in order; `organize` runs `validate`. */
const programs = (group: TestGroup): string[] => host.calls(group).map((call) => call.step);
const timesRun = (group: TestGroup): Record<string, number> =>
  Object.fromEntries([...Map.groupBy(programs(group), (program) => program)].map(([program, calls]) => [program, calls.length]));
const PROGRAM_OF_STEP: Readonly<Record<string, string>> = { organize: 'validate' };

const absent = (): never => {
  throw new Error('no science process was seen');
};

describe('kill -9 of the worker', () => {
  const steps = STEPS.map((step) => step.name).filter((name) => name !== 'solve');

  test.each(steps)(
    'in %s loses nothing',
    async (step) => {
      const program = PROGRAM_OF_STEP[step] ?? step;
      const isScience = ['concat', 'validate', 'flag', 'calibrate', 'image', 'photometry'].includes(program);
      if (isScience) host.hold(program);
      const group = host.newGroup();
      const [first, ...rest] = group.files;
      if (first === undefined) throw new Error('a group has files');
      await group.announce(first);
      if (step !== 'collect') for (const file of rest) await group.announce(file);
      await group.until((status) => (isScience ? programs(group).includes(program) : status.step === step || status.state === 'completed'));
      const running = host.calls(group).at(-1)?.pid;
      await host.killWorker();
      if (isScience) host.letGo(program);
      await host.startWorker();
      if (step === 'collect') for (const file of rest) await group.announce(file);

      expect(await group.result()).toMatchObject({ state: 'completed', missing: [], degradedReasons: [] });
      const counts = timesRun(group);
      expect(Object.keys(counts)).toEqual(['concat', 'validate', 'flag', 'calibrate', 'image', 'photometry']);
      const repeated = Object.entries(counts).filter(([, times]) => times > 1);
      expect(repeated.every(([, times]) => times === 2)).toBe(true);
      const mayRepeat = isScience ? [[program]] : [[], ...Object.keys(counts).map((name) => [name])];
      expect(mayRepeat).toContainEqual(repeated.map(([name]) => name));
      expect(isScience && groupIsAlive(running ?? absent())).toBe(false);
      expect(host.read('SELECT outcome FROM ledger WHERE group_id = ?', group.id)).toEqual([{ outcome: 'done' }]);
      expect(host.read(`SELECT kind FROM products WHERE group_id = ? AND status = 'current' ORDER BY kind`, group.id)).toEqual([
        { kind: 'image' },
        { kind: 'ms' },
      ]);
    },
    90_000,
  );

  test('five times at any moment, with groups at work, ends every group with one outcome', async () => {
    const groups = Array.from({ length: 6 }, () => host.newGroup());
    for (const group of groups) await group.announceAll();
    for (let kill = 0; kill < 5; kill += 1) {
      await new Promise((wait) => setTimeout(wait, 1500 + 700 * kill));
      await host.killWorker();
      await host.startWorker();
    }
    for (const group of groups) expect(await group.result()).toMatchObject({ state: 'completed', degradedReasons: [] });
    const rows = host.read<{ n: number }>(`SELECT count(*) AS n FROM ledger WHERE outcome <> 'done' GROUP BY group_id`);
    expect(rows).toEqual([]);
  }, 180_000);
});
