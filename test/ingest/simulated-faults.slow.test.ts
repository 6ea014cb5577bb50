/**
 * Files as the correlator writes them, made by the simulator with its faults, end as the simulator's truth says they must.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { openForWriting, type WritableCatalog } from '../../src/catalog/database.ts';
import { listGroups } from '../../src/catalog/groups.ts';
import { fileByPath, membersOf } from '../../src/catalog/subband-files.ts';
import { loadSettings } from '../../src/config/load.ts';
import { createIngest } from '../../src/ingest/ingest.ts';

const FAULTS = [
  'missing', 'late', 'truncate', 'zero_byte', 'corrupt', 'half_written', 'incomplete', 'corrupted_name', 'duplicate', 'short', 'nan',
  'reverse', 'width_sign', 'wrong_dec', 'wrong_slot', 'stale_clock', 'mjd55000',
]; // biome-ignore format: a list of names
const on = (subband: number, value: number | string | null = null): object[] => [{ group: 0, subbands: [subband], value }];
const faults = {
  ...Object.fromEntries(FAULTS.map((name) => [name, []])),
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
};
const truthSchema = z.looseObject({
  files: z.array(z.looseObject({ name: z.string(), subband: z.int(), made_for: z.string(), group_id: z.string().nullable() })),
});

const [base, science] = [mkdtempSync(join(tmpdir(), 'contimg-simulated-')), join(process.cwd(), 'science')];
const [input, truthFolder] = [join(base, 'in'), join(base, 'truth')];
let catalog: WritableCatalog;
let truth: z.infer<typeof truthSchema>;

beforeAll(async () => {
  mkdirSync(input);
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
    },
    outputs: { directory: input, truth_directory: truthFolder },
  };
  writeFileSync(join(base, 'request.json'), JSON.stringify(request));
  execFileSync(join(science, '.venv/bin/python'), ['-m', 'contimg_science.simulate', join(base, 'request.json')], {
    env: { ...process.env, PYTHONPATH: science, OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1', HDF5_USE_FILE_LOCKING: 'FALSE' },
    stdio: 'pipe',
  });
  truth = truthSchema.parse(JSON.parse(readFileSync(join(truthFolder, 'truth.json'), 'utf8')));
  const flags = [
    ['paths.input', input],
    ['paths.state', join(base, 'state')],
    ['watch.settleS', 0.1],
    ['watch.admissionS', 0],
  ].map(([key, value]) => ({ key: String(key), value, name: 'test' }));
  const { settings } = loadSettings({ flags });
  catalog = openForWriting(settings.paths.database, { role: 'watch' });
  const log = { info: () => undefined, warn: () => undefined };
  const ingest = await createIngest({ settings, database: catalog.database, announce: async () => 'told', log });
  await ingest.once();
  // Python imports, 2 × 16 files and their admission: a few seconds each on a busy machine.
}, 120_000);

afterAll(() => {
  catalog.close();
  rmSync(base, { recursive: true });
});

const codeOf = (subband: number): string | undefined => {
  const made = truth.files.find((file) => file.subband === subband && file.made_for === firstGroup());
  const file = made === undefined ? null : fileByPath(catalog.database, join(input, made.name));
  return file?.reason?.split(':')[0];
};
const firstGroup = (): string => [...new Set(truth.files.map((file) => file.made_for))].sort()[0] ?? '';

test('each spoilt file has the refusal its fault must lead to', () => {
  expect([2, 3, 11, 12, 13].map(codeOf)).toEqual(['Truncated', 'EmptyFile', 'BadFrequencies', 'ImplausibleClock', 'BadTimes']);
  expect(codeOf(4)).toMatch(/^(NotHdf5|Truncated|HeaderTimeout|HeaderTooLarge|MissingDataset|BadType|BadShape|Unreadable)$/);
});

test('good files, short ones and ones with the other sign of width are members of the group the truth names', () => {
  const [first, second] = [...new Set(truth.files.map((file) => file.made_for))].sort();
  expect(membersOf(catalog.database, first ?? '').map(({ subband }) => subband)).toEqual([0, 7, 8, 9, 14, 15]);
  expect(membersOf(catalog.database, second ?? '')).toHaveLength(16);
  expect(new Set(membersOf(catalog.database, first ?? '').map(({ gridDigest }) => gridDigest)).size).toBe(1);
});

test('a file of another declination is a group of one', () => {
  const { groups } = listGroups(catalog.database, { limit: 10 });
  expect(groups.map((group) => membersOf(catalog.database, group.group_id).length).sort((a, b) => a - b)).toEqual([1, 6, 16]);
});
