/**
 * Files as the correlator writes them, made by the simulator with its faults, end as the simulator's truth says they must.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { type CatalogDatabase, openForReading, openForWriting } from '../../src/catalog/database.ts';
import { listGroups } from '../../src/catalog/groups.ts';
import { fileByPath, filesOfGroup, membersOf } from '../../src/catalog/subband-files.ts';
import { loadSettings } from '../../src/config/load.ts';
import { FAULT_NAMES } from '../../src/domain/simulation.ts';
import { asOrdinaryUser, giveToOrdinaryUser } from './separate-watcher.ts';
import { eventually } from './watched-directory.ts';

const on = (subband: number, value: number | string | null = null, group = 0): object[] => [{ group, subbands: [subband], value }];
const faults = {
  ...Object.fromEntries(FAULT_NAMES.map((name) => [name, []])),
  missing: on(1),
  truncate: on(2, 0.5),
  zero_byte: on(3),
  corrupt: on(4),
  incomplete: on(5),
  corrupted_name: on(6),
  duplicate: on(7, 'same'),
  short: on(8, 2),
  width_sign: on(9, 1),
  wrong_dec: on(10, 20),
  wrong_slot: on(11, 3),
  stale_clock: on(12, 5),
  mjd55000: on(13),
  unreadable: on(1, null, 1),
  bomb: on(2, null, 1),
  bad_name: on(3, null, 1),
  link_out: on(4, null, 1),
  replace: on(5, 4, 1),
};
const truthSchema = z.looseObject({
  files: z.array(z.looseObject({ name: z.string(), subband: z.int(), made_for: z.string(), group_id: z.string().nullable() })),
});

const [base, science] = [mkdtempSync(join(tmpdir(), 'contimg-simulated-')), join(process.cwd(), 'science')];
const [input, truthFolder] = [join(base, 'in'), join(base, 'truth')];
let database: CatalogDatabase;
let truth: z.infer<typeof truthSchema>;

beforeAll(async () => {
  mkdirSync(input);
  const state = join(base, 'state');
  const { settings } = loadSettings({ flags: [{ key: 'paths.state', value: state, name: 'test' }] });
  openForWriting(settings.paths.database, { role: 'watch' }).close();
  giveToOrdinaryUser(base);
  // Not as root, who may read what nobody may.
  const watcher = asOrdinaryUser(input, state);
  const request = {
    schema_version: 1,
    step: 'simulate',
    group_id: '2025-10-02T00:05:18',
    attempt_id: 'test',
    requested_at: '2025-10-02T00:00:00Z',
    work_dir: base,
    threads: 1,
    inputs: {},
    parameters: {
      size: 'mini',
      seed: 5,
      dec_app_deg: 54.5734,
      schedule: { kind: 'run', start_utc: '2025-10-02T00:05:18Z', count: 2 },
      sources: {
        count: 1,
        flux_min_jy: 0.1,
        flux_max_jy: 1,
        radius_deg: 1,
        separation_arcmin: 5,
        doubling: 0,
        calibrator_in: 'transit',
        explicit: [],
      },
      ntimes: 3,
      order: 'correlator',
      width_sign: -1,
      instrument: 'ideal',
      noise: true,
      smear: false,
      dead_antennas: [],
      dead_receptors: [],
      rfi: { narrow: 0, bursts: 0, sweeps: 0, baselines: 0, amplitude_sigma: 1 },
      faults,
      deliver: 'at-once',
      rate: null,
      restart_gap: false,
      catalogues: false,
    },
    outputs: { directory: input, truth_directory: truthFolder },
  };
  writeFileSync(join(base, 'request.json'), JSON.stringify(request));
  execFileSync(join(science, '.venv/bin/python'), ['-m', 'contimg_science.simulate', join(base, 'request.json')], {
    env: { ...process.env, PYTHONPATH: science, OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1', HDF5_USE_FILE_LOCKING: 'FALSE' },
    stdio: 'pipe',
  });
  truth = truthSchema.parse(JSON.parse(readFileSync(join(truthFolder, 'truth.json'), 'utf8')));
  database = openForReading(settings.paths.database);
  const replaced = join(input, fileOf(secondGroup(), 5)?.name ?? '');
  await eventually(() => filesOfGroup(database, secondGroup()).filter(({ path }) => path === replaced).length === 2, 60_000);
  await eventually(() => truth.files.every(({ name }) => fileByPath(database, join(input, name))?.status !== 'settling'), 60_000);
  await watcher.stop();
  // Python imports, 2 × 16 files, their admission and a replacement: a few seconds each on a busy machine.
}, 180_000);

afterAll(() => {
  database.close();
  rmSync(base, { recursive: true });
});

const madeFor = (index: number): string =>
  [...new Set(truth.files.map((file) => file.made_for))].sort((a, b) => a.localeCompare(b))[index] ?? '';
const [firstGroup, secondGroup] = [() => madeFor(0), () => madeFor(1)];
const fileOf = (group: string, subband: number) => truth.files.find((file) => file.subband === subband && file.made_for === group);
const reasonOf = (name: string): string | undefined => fileByPath(database, join(input, name))?.reason?.split(':')[0];
const codeOf = (subband: number, group = firstGroup()): string | undefined => reasonOf(fileOf(group, subband)?.name ?? '');

test('each spoilt file has the refusal its fault must lead to', () => {
  expect([2, 3, 11, 12, 13].map((subband) => codeOf(subband))).toEqual([
    'Truncated',
    'EmptyFile',
    'BadFrequencies',
    'ImplausibleClock',
    'BadTimes',
  ]);
  expect(codeOf(4)).toMatch(/^(NotHdf5|Truncated|HeaderTimeout|HeaderTooLarge|MissingDataset|BadType|BadShape|Unreadable)$/);
});

test('files that cannot or must not be opened are refused by name', () => {
  expect([1, 2, 4].map((subband) => codeOf(subband, secondGroup()))).toEqual(['Unreadable', 'HeaderTooLarge', 'UnsafePath']);
  const ill = fileOf(secondGroup(), 3)?.name.replace('_sb03', '_sb0\n3') ?? '';
  expect(reasonOf(ill)).toBe('UnsafePath');
});

test('a file replaced under its name is a new version, and the newest wins', () => {
  const [older, newer] = filesOfGroup(database, secondGroup()).filter(({ subband }) => subband === 5);
  expect([older?.status, newer?.status]).toEqual(['superseded', 'valid']);
  expect(older?.inode).not.toBe(newer?.inode);
  expect(membersOf(database, secondGroup()).some(({ inode }) => inode === newer?.inode)).toBe(true);
});

test('good files, short ones and ones with the other sign of width are members of the group the truth names', () => {
  const [first, second] = [firstGroup(), secondGroup()];
  expect(membersOf(database, first).map(({ subband }) => subband)).toEqual([0, 7, 8, 9, 14, 15]);
  expect(membersOf(database, second)).toHaveLength(12);
  expect(new Set(membersOf(database, first).map(({ gridDigest }) => gridDigest)).size).toBe(1);
});

test('a file of another declination is a group of one', () => {
  const { groups } = listGroups(database, { limit: 10 });
  expect(groups.map((group) => membersOf(database, group.group_id).length).sort((a, b) => a - b)).toEqual([1, 6, 12]);
});
