/** `contimg ledger` as people meet it without Temporal: what it says of a night, of nothing, and of wrong usage. */
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { type OpenNight, openNight } from '../catalog/night.ts';
import { admit, CADENCE_MS, look, NIGHT_START_MS } from '../catalog/observed-night.ts';

const CONTIMG = resolve(import.meta.dirname, '..', '..', 'ops', 'bin', 'contimg');
const begin = (number: number): number => NIGHT_START_MS + number * CADENCE_MS;

let night: OpenNight;
let empty: OpenNight;
beforeAll(() => {
  empty = openNight();
  look(empty.database, begin(0));
  night = openNight();
  for (const number of [0, 1, 3, 27, 28]) {
    const group = { startMs: begin(number), arrivesMs: begin(number + 1), decRad: 0.952, isComplete: true };
    admit(night.database, group, begin(number + 1));
  }
  look(night.database, begin(29) + 1_000_000);
  look(night.database, begin(40), { scheduleProblem: '/data/pointings.csv: BadPointing: line 4' });
});
afterAll(() => {
  night.close();
  empty.close();
});

function ledger(of: OpenNight, ...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const env = { PATH: process.env['PATH'] ?? '', CONTIMG_QUEUE_DB: of.path, CONTIMG_STATE_DIR: of.folder };
  return new Promise((answer) => {
    execFile(CONTIMG, ['ledger', ...args], { env, timeout: 60_000 }, (error, stdout, stderr) => {
      answer({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr });
    });
  });
}

test('before two groups it says in words what it needs', async () => {
  const { code, stdout } = await ledger(empty);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^No expectation yet: needs 2 groups\nnothing was expected or seen from /);
}, 60_000);

test('a night has its day, every hole with its reason, and the next sensible command', async () => {
  const { code, stdout, stderr } = await ledger(night, '--until', '2026-03-01T04:15:00');
  expect([code, stderr]).toEqual([
    0,
    expect.stringContaining('the pointing schedule is not used: /data/pointings.csv: BadPointing: line 4'),
  ]);
  expect(stdout).toMatch(/^Nothing is expected now: the telescope is silent; one group every 309\.238 s/);
  expect(stdout).toMatch(/2026-03-01 +27 +0 +0 +0 +24 +3\n/);
  expect(stdout).toMatch(/\d+ +2026-03-01T02:10:18Z +- +1 +missing +54\.55° +no file of it was seen\n/);
  expect(stdout).toMatch(/\d+ +2026-03-01T02:20:37Z +2026-03-01T04:19:09Z +23 +missing +54\.55° +no data from correlator\n/);
  expect(stdout).toMatch(/explain one: contimg ledger --annotate \d+ --reason "\.\.\."\n$/);
}, 60_000);

test('--missing with --json has the holes alone, with what they said before', async () => {
  const { stdout } = await ledger(night, '--missing', '--json', '--until', '2026-03-01T02:15:00');
  expect(JSON.parse(stdout)).toMatchObject({
    ok: true,
    data: { days: [], holes: [{ groups: 1, outcome: 'missing', history: [{ outcome: 'pending', reason: 'no file of it yet' }] }] },
  });
}, 60_000);

test.each([
  [['--mising'], 64, 'did you mean --missing?'],
  [['--since', '2026-03-02', '--until', '2026-03-01'], 64, 'give a --since before --until'],
  [['--reason', 'correlator was off'], 64, 'add --annotate ROW'],
  [['--annotate', '9999', '--reason', 'correlator was off'], 13, 'the ledger has no row 9999'],
  [['--annotate', '3', '--reason', 'correlator was off', '--temporal-address', '127.0.0.1:1'], 11, 'contimg up'],
])(
  '%j ends with code %i and says what to do',
  async (args, code, words) => {
    const end = await ledger(night, ...args);
    expect([end.code, end.stderr]).toEqual([code, expect.stringContaining(words)]);
  },
  60_000,
);
