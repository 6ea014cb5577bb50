/** `contimg convert` without a pipeline: real files, a real database, the real command; only the science programs are quick ones. */
import { existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { manifestPathOf } from '../../activities/manifest.ts';
import { openForWriting } from '../../src/catalog/database.ts';
import { freePort } from '../../src/temporal/free-port.ts';
import { BatchFolder, isAlive, ROOT, until } from './batch-folder.ts';

const FIRST = '2025-10-02T00:05:18';
const SECOND = '2025-10-02T00:10:27';
const NIGHT = ['2025-10-02T00:00:00', '2025-10-02T06:00:00'];

let batch: BatchFolder;
const ms = (group: string): string => join(batch.output, 'ms', 'science', '2025-10-02', `${group}.ms`);
const places = (): string[] => [batch.input, batch.output];

beforeEach(() => {
  batch = new BatchFolder();
});
afterEach(() => batch.remove());

test('it converts the groups that start in the interval and records all a pipeline would have', async () => {
  await batch.addGroup(FIRST);
  await batch.addGroup(SECOND);
  const resultFile = join(batch.base, 'result.json');
  const { code, stdout, stderr } = await batch.run(['convert', ...places(), ...NIGHT, '--result-file', resultFile]);
  expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining('engine local: Temporal does not answer') });
  expect(stdout).toMatch(new RegExp(`${FIRST} +converted +${ms(FIRST)}`));
  expect(batch.read('SELECT group_id, state, run_number FROM groups ORDER BY group_id')).toEqual([
    { group_id: FIRST, state: 'completed', run_number: 1 },
    { group_id: SECOND, state: 'completed', run_number: 1 },
  ]);
  expect(batch.read('SELECT outcome FROM ledger')).toEqual([{ outcome: 'done' }, { outcome: 'done' }]);
  expect(batch.read(`SELECT status FROM products WHERE kind = 'ms'`)).toEqual([{ status: 'current' }, { status: 'current' }]);
  expect(batch.read('SELECT kind, subbands_present FROM ms_index LIMIT 1')).toMatchObject([{ kind: 'science' }]);
  expect(batch.read('SELECT group_id FROM performance_metrics ORDER BY 1')).toEqual([{ group_id: FIRST }, { group_id: SECOND }]);
  expect(JSON.parse(readFileSync(resultFile, 'utf8')).groups).toHaveLength(2);
  expect(readdirSync(join(batch.output, '.work'))).toEqual([]);
}, 60_000);

test('repeated it leaves alone what is valid; START = END is the group that holds the instant; flags serve as well as places', async () => {
  await batch.addGroup(FIRST);
  await batch.addGroup(SECOND);
  const instant = '2025-10-02T00:05:40';
  const flags = ['--input-dir', batch.input, '--output-dir', batch.output, '--start', instant, '--end', instant];
  const first = await batch.run(['convert', ...flags]);
  expect(first).toMatchObject({ code: 0 });
  expect(existsSync(ms(SECOND))).toBe(false);
  const again = await batch.run(['convert', ...places(), ...NIGHT, '--json']);
  expect(JSON.parse(again.stdout).data.groups).toMatchObject([
    { group_id: FIRST, outcome: 'there already' },
    { group_id: SECOND, outcome: 'converted' },
  ]);
}, 60_000);

test('what is there already is recorded in a database that does not know it', async () => {
  await batch.addGroup(FIRST);
  await batch.run(['convert', ...places(), ...NIGHT]);
  const other = join(batch.base, 'other state');
  const { stdout } = await batch.run(['convert', ...places(), ...NIGHT, '--state-dir', other]);
  expect(stdout).toContain('there already');
  const catalog = openForWriting(join(other, 'db', 'pipeline.sqlite3'), { role: 'catalog' });
  expect(catalog.database.prepare('SELECT outcome FROM ledger').all()).toEqual([{ outcome: 'done' }]);
  expect(catalog.database.prepare('SELECT COUNT(*) AS sets FROM ms_index').all()).toEqual([{ sets: 1 }]);
  catalog.close();
}, 60_000);

test('the script of old passes its four arguments on, spaces included', async () => {
  await batch.addGroup(FIRST);
  expect(batch.input).toContain(' ');
  const { ended } = batch.start('scripts/run_conversion.sh', [...places(), ...NIGHT]);
  expect(await ended).toMatchObject({ code: 0, stdout: expect.stringContaining(ms(FIRST)) });
}, 60_000);

test('a group with too few subbands is skipped, its ledger says why, and the rest is converted', async () => {
  await batch.addGroup(FIRST, [0, 1, 2]);
  await batch.addGroup(SECOND);
  const { code, stdout } = await batch.run(['convert', ...places(), ...NIGHT]);
  expect(code).toBe(15);
  expect(stdout).toMatch(/skipped +3 of 16 subbands, at least 14 are needed; missing sb03/);
  expect(batch.read(`SELECT outcome FROM ledger WHERE group_id = '${FIRST}'`)).toEqual([{ outcome: 'skipped' }]);
}, 60_000);

test('Ctrl-C ends every process of all groups at work, leaves no partial output, and the next call goes on', async () => {
  await batch.addGroup(FIRST);
  await batch.addGroup(SECOND);
  batch.hold('concat');
  const { child, ended } = batch.start('ops/bin/contimg', ['convert', ...places(), ...NIGHT, '--jobs', '2']);
  await until(() => batch.sciencePids().length === 2, 'two groups at a time');
  child.kill('SIGINT');
  expect(await ended).toMatchObject({ code: 130 });
  expect(batch.sciencePids().filter(isAlive)).toEqual([]);
  expect(readdirSync(batch.output, { recursive: true })).toEqual(['.work']);
  expect(batch.read('SELECT state, waiting_for FROM groups')).toEqual(
    [1, 2].map(() => ({ state: 'pending', waiting_for: 'someone to go on: stopped by SIGINT' })),
  );
  batch.letGo('concat');
  expect(await batch.run(['convert', ...places(), ...NIGHT])).toMatchObject({ code: 0 });
  expect([FIRST, SECOND].every((group) => existsSync(ms(group)))).toBe(true);
}, 60_000);

test('a simulated group goes through the real conversion, and is valid to the last sample', async () => {
  const real = { CONTIMG_PATHS__PYTHON: join(ROOT, 'science', '.venv', 'bin', 'python') };
  const made = await batch.run(
    ['simulate', '--out', batch.input, '--groups', '1', '--calibrator', 'none', '--start', '2025-10-07T03:00:00Z'],
    real,
  );
  expect(made.code).toBe(0);
  const converted = await batch.run(['convert', ...places(), '2025-10-07', '2025-10-08', '--json'], real);
  const [group] = JSON.parse(converted.stdout).data.groups;
  expect(group).toMatchObject({ outcome: 'converted', ms: expect.stringContaining('/ms/science/2025-10-07/') });
  expect(batch.read('SELECT load_time > 0 AND phase_time > 0 AND write_time > 0 AS measured FROM performance_metrics')).toEqual([
    { measured: 1 },
  ]);
  expect(await batch.run(['validate', group.group_id, '--deep'], real)).toMatchObject({ code: 0 });
}, 180_000);

test('a group with a short member is degraded, and rows, manifest and ledger say by what, as a pipeline would', async () => {
  const real = { CONTIMG_PATHS__PYTHON: join(ROOT, 'science', '.venv', 'bin', 'python') };
  const simulation = ['--groups', '1', '--calibrator', 'none', '--start', '2025-10-07T03:00:00Z', '--fault', 'short=0:4:20'];
  await batch.run(['simulate', '--out', batch.input, ...simulation], real);
  const converted = await batch.run(['convert', ...places(), '2025-10-07', '2025-10-08', '--json'], real);
  const [group] = JSON.parse(converted.stdout).data.groups;
  expect(batch.read('SELECT outcome, reason FROM ledger')).toEqual([{ outcome: 'degraded', reason: 'integrations_missing' }]);
  expect(batch.read('SELECT degraded_reasons FROM groups')).toEqual([{ degraded_reasons: '["integrations_missing"]' }]);
  const [product] = batch.read('SELECT degraded_reasons, software FROM products');
  expect(product).toMatchObject({ degraded_reasons: '["integrations_missing"]', software: expect.stringContaining('casacore') });
  const manifest = JSON.parse(readFileSync(manifestPathOf(group.ms), 'utf8'));
  expect(manifest).toMatchObject({
    degraded_reasons: ['integrations_missing', 'sb04 lacks integrations 20-23'],
    parameters: { concat: {} },
    peak_memory_bytes: { concat: expect.any(Number) },
  });
}, 180_000);

describe('it says what to do', () => {
  test.each([
    ['of an empty folder', 13, NIGHT, /no group for .*holds 0 entries[\s\S]*YYYY-MM-DDTHH:MM:SS_sbNN.hdf5/],
    ['of a time that is none', 64, ['yesterday', NIGHT[1] ?? ''], /"yesterday" is not a time/],
    ['of an interval turned round', 64, NIGHT.toReversed(), /END is before START/],
    ['of a missing argument', 64, NIGHT.slice(0, 1), /END is missing/],
  ])('%s', async (_, code, times, said) => {
    const ended = await batch.run(['convert', ...places(), ...times]);
    expect(ended).toMatchObject({ code, stderr: expect.stringMatching(said) });
  });

  test('of an input folder that is not there, and makes none', async () => {
    const typo = join(batch.base, 'inn');
    const ended = await batch.run(['convert', typo, batch.output, ...NIGHT]);
    expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining(typo) });
    expect(existsSync(typo)).toBe(false);
  });

  test('of an output that cannot be written', async () => {
    const occupied = join(batch.base, 'python');
    const ended = await batch.run(['convert', batch.input, join(occupied, 'products'), ...NIGHT]);
    expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining(occupied) });
  });

  test('of an interval without groups: where the groups of the folder lie', async () => {
    await batch.addGroup(FIRST);
    const ended = await batch.run(['convert', ...places(), '2024-01-01', '2024-01-02']);
    expect(ended).toMatchObject({ code: 13, stderr: expect.stringContaining(`start between ${FIRST} and ${FIRST}`) });
  });

  test('of a full disk, before a byte is written', async () => {
    await batch.addGroup(FIRST);
    const ended = await batch.run(['convert', ...places(), ...NIGHT], { CONTIMG_DISK__PAUSE_GB: '1000000' });
    expect(ended).toMatchObject({ code: 6, stdout: expect.stringMatching(/GB free[\s\S]*free space there/) });
    expect(batch.sciencePids()).toEqual([]);
  });

  test('of another writer on the same database, by its process id', async () => {
    mkdirSync(batch.state);
    const catalog = openForWriting(join(batch.state, 'db', 'pipeline.sqlite3'), { role: 'catalog' });
    const ended = await batch.run(['convert', ...places(), ...NIGHT, '--engine', 'local']);
    catalog.close();
    expect(ended).toMatchObject({ code: 14, stderr: expect.stringContaining(`process ${process.pid}`) });
  });

  test('of a pipeline that was asked for and is not there', async () => {
    const nobody = `127.0.0.1:${await freePort()}`;
    const asked = await batch.run(['convert', ...places(), ...NIGHT, '--engine', 'temporal', '--temporal-address', nobody]);
    expect(asked).toMatchObject({ code: 11, stderr: expect.stringContaining('--engine local') });
    const further = await batch.run(['convert', ...places(), ...NIGHT, '--engine', 'local', '--steps', 'image']);
    expect(further).toMatchObject({ code: 64, stderr: expect.stringContaining('contimg up') });
  });
});
