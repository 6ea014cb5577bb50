/** `contimg convert` beside a pipeline that runs: real server, worker, database and files; only the science programs are quick ones. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { openForReading } from '../../src/catalog/database.ts';
import { groupById } from '../../src/catalog/groups.ts';
import { nameOf, t0JdOf, writeTinyFile } from '../ingest/tiny-uvh5.ts';
import { OneHost } from '../workflows/one-host.ts';
import { ALL_SUBBANDS, ROOT } from './batch-folder.ts';

const FIRST = '2025-10-02T00:05:18';
const SECOND = '2025-10-02T00:10:27';
const NIGHT = ['2025-10-02T00:00:00', '2025-10-02T06:00:00'];

let host: OneHost;
beforeAll(async () => {
  host = await OneHost.create({ 'watch.settleS': 0.05 });
  for (const start of [FIRST, SECOND]) {
    for (const subband of ALL_SUBBANDS) {
      await writeTinyFile(join(host.settings.paths.input, nameOf(start, subband)), { subband, t0Jd: t0JdOf(start) });
    }
  }
  await host.startWorker();
}, 60_000);
afterAll(() => host.stop(), 30_000);

const convert = (...args: string[]): ReturnType<typeof contimg> =>
  contimg('convert', host.settings.paths.input, host.settings.paths.output, ...NIGHT, ...args);

function contimg(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const words = [...args, '--config', host.config];
  return new Promise((done) => {
    const env = { PATH: process.env['PATH'] ?? '', HOME: host.folder };
    execFile(join(ROOT, 'ops', 'bin', 'contimg'), words, { env, timeout: 60_000 }, (error, stdout, stderr) => {
      done({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr });
    });
  });
}

test('until a worker polls the pipeline does not count; then auto takes it, ends at organize, and one fault spoils one group', async () => {
  host.failing('concat', { type: 'BadInput', code: 'Damaged', times: 1 });
  let first = await convert('--engine', 'temporal', '--jobs', '1');
  // The worker bundles its workflows before it polls.
  for (let tries = 0; first.code === 11 && tries < 30; tries += 1) {
    expect(first.stderr).toContain('--engine local');
    first = await convert('--engine', 'temporal', '--jobs', '1');
  }
  expect(first).toMatchObject({ code: 15, stdout: expect.stringMatching(/05:18 +failed +concat was told to fail[\s\S]*10:27 +converted/) });
  expect(host.calls().map(({ step }) => step)).toEqual(['concat', 'concat', 'validate']);
  expect(host.read(`SELECT state, lane FROM groups ORDER BY group_id`)).toEqual([
    { state: 'needs_attention', lane: 'ondemand' },
    { state: 'completed', lane: 'ondemand' },
  ]);
  expect(host.read(`SELECT group_id FROM ms_index`)).toEqual([{ group_id: SECOND }]);
  expect(host.read(`SELECT group_id FROM performance_metrics`)).toEqual([{ group_id: SECOND }]);

  const again = await convert('--json');
  expect(again.stderr).toContain('engine temporal: the pipeline on');
  const database = openForReading(host.settings.paths.database);
  expect(groupById(database, SECOND)?.run_number).toBe(1);
  database.close();
  expect(JSON.parse(again.stdout).data.groups).toMatchObject([{ outcome: 'failed' }, { outcome: 'there already' }]);
}, 120_000);

test('forced it is a new run of the pipeline, whose set is found at the same place', async () => {
  const { input, output } = host.settings.paths;
  const instant = '2025-10-02T00:11:00';
  const forced = await contimg('convert', '--input-dir', input, '--output-dir', output, instant, instant, '--force', '--json');
  const [second] = JSON.parse(forced.stdout).data.groups;
  expect(second).toMatchObject({ group_id: SECOND, outcome: 'converted' });
  expect(existsSync(second.ms)).toBe(true);
  expect(host.read(`SELECT run_number FROM groups WHERE group_id = '${SECOND}'`)).toEqual([{ run_number: 2 }]);
}, 60_000);

test('an output that is not the pipeline’s is refused rather than left empty', async () => {
  const other = join(host.folder, 'other');
  const elsewhere = await contimg('convert', host.settings.paths.input, other, ...NIGHT, '--engine', 'temporal');
  expect(elsewhere).toMatchObject({ code: 14, stderr: expect.stringContaining(`not below ${other}`) });
}, 60_000);
