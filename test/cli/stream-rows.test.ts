/**
 * Every option of `dsa110-stream` does what its row says: for each the test that shows its effect, by file and words, so that
 * none is without one; and here the effects that show in a value.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { streamCommand, upCommand } from '../../src/cli/up.ts';
import { readStreamOptions, STREAM_OPTIONS } from '../../src/cli/stream-options.ts';
import { slotWarning } from '../../src/cli/slot-warning.ts';
import { groupPolicyOf } from '../../src/config/group-policy.ts';
import { loadSettings } from '../../src/config/load.ts';
import type { Settings } from '../../src/config/settings.ts';
import { learnCadence } from '../../src/domain/expectation.ts';
import { chooseMembers } from '../../src/domain/membership.ts';
import { scienceEnvironment } from '../../src/runner/science-environment.ts';
import { attemptBudget, scienceOptions } from '../../workflows/activity-options.ts';

const HERE = 'test/cli/stream-rows.test.ts';
const OPTIONS = 'test/cli/stream-options.test.ts';
const PROCESS = 'test/cli/stream-process.slow.test.ts';
const STEPS = 'test/activities/step-options.test.ts';
const COLLECTING = 'test/workflows/collecting.server.test.ts';
const GROUP = 'test/workflows/observation-group.server.test.ts';
const TEMPORAL = ['test/workflows/group-command.server.test.ts', 'ls and show name the group, its state, the failed step'] as const;
const LIVES = [PROCESS, 'it says what it uses, answers on its ports, refuses a second instance, and drains'] as const;

/** Option → the file and the words of the test that shows what it does. */
const SHOWN_BY: Readonly<Record<string, readonly [file: string, words: string]>> = {
  '--input-dir': LIVES,
  '--output-dir': LIVES,
  '--scratch-dir': [STEPS, '--stage-inputs copies the subbands to scratch'],
  '--state-dir': LIVES,
  '--catalogue': ['test/catalog/sources.test.ts', 'the settings of a start name the storage locations and bring the catalogue, once'],
  '--checkpoint-dir': LIVES,
  '--queue-db': LIVES,
  '--registry-db': [OPTIONS, 'the same file named by two options is one database'],
  '--products-db': [OPTIONS, 'the same file named by two options is one database'],
  '--expected-subbands': [HERE, '--expected-subbands 8 makes eight files a full group'],
  '--chunk-duration': [HERE, '--chunk-duration 5.15 is the cadence the ledger expects'],
  '--collecting-timeout': ['test/telemetry/warnings.test.ts', 'a group that waits too long for subbands is named once'],
  '--collecting-deadline': [COLLECTING, 'policy `fail` closes the group without a result'],
  '--minimum-subbands': [COLLECTING, 'fewer than the minimum ask for a person'],
  '--on-deadline': [COLLECTING, 'policy `park` asks for a person'],
  '--in-progress-timeout': [HERE, '--in-progress-timeout 300 gives an attempt 300 s'],
  '--max-retries': [GROUP, 'a retryable failure is tried as often as the policy says'],
  '--poll-interval': ['test/ingest/files-while-watching.slow.test.ts', 'scans alone are enough'],
  '--worker-poll-interval': [OPTIONS, '%s works without effect and says why'],
  '--omp-threads': [HERE, '--omp-threads 3 is what the science programs may use'],
  '--use-subprocess': [OPTIONS, '%s works without effect and says why'],
  '--no-use-subprocess': ['test/cli/command-line.slow.test.ts', 'when it is told to leave subprocesses'],
  '--stage-inputs': [STEPS, '--stage-inputs copies the subbands to scratch'],
  '--no-stage-inputs': [STEPS, '--no-stage-inputs reads them in place'],
  '--stage-workers': [STEPS, '--stage-workers says how many subbands are copied at a time'],
  '--stage-to-tmpfs': [STEPS, '--stage-to-tmpfs keeps a copy of the set'],
  '--no-stage-to-tmpfs': [STEPS, '--stage-to-tmpfs keeps a copy of the set'],
  '--tmpfs-path': [STEPS, 'in the memory file system of --tmpfs-path'],
  '--direct-ms': [OPTIONS, '%s works without effect and says why'],
  '--parallel-subband': [OPTIONS, '%s works without effect and says why'],
  '--cleanup-temp': [STEPS, '--cleanup-temp gives scratch back'],
  '--no-cleanup-temp': [STEPS, '--no-cleanup-temp keeps it'],
  '--enable-calibration-solving': [GROUP, 'walks the whole line, registers a set'],
  '--enable-photometry': [GROUP, 'walks the whole line, registers a set'],
  '--enable-mosaic-creation': ['test/workflows/mosaic.server.test.ts', 'finished groups make the mosaic of their hour'],
  '--monitoring': ['test/telemetry/monitor.test.ts', 'a sample of queue, disk, CPU and memory is taken'],
  '--no-monitoring': [PROCESS, '--no-monitoring serves no health'],
  '--monitor-interval': ['test/telemetry/monitor.test.ts', 'every `monitor.interval_s`'],
  '--health-port': ['test/cli/command-line.slow.test.ts', 'when a port is taken, and names the holder without touching it'],
  '--health-host': ['test/telemetry/health.slow.test.ts', 'metrics keep the names and words of the earlier pipeline'],
  '--profile': ['test/runner/attempt-trace.test.ts', 'ten times a second it notes the CPU time'],
  '--log-level': ['test/telemetry/monitor.test.ts', '`--log-level` decides what is written'],
  '--temporal-address': TEMPORAL,
  '--temporal-namespace': TEMPORAL,
  '--temporal-port': LIVES,
  '--ui-port': LIVES,
  '--slots': ['test/chaos/everything-killed.server.test.ts', 'kill -9 of everything, twice, in different steps'],
  '--host-name': LIVES,
};

const flagOf = ({ flags }: { flags: string }): string => flags.split(' ')[0] ?? flags;

test('every option has its row here', () => {
  expect(Object.keys(SHOWN_BY).sort()).toEqual(STREAM_OPTIONS.map(flagOf).sort());
});

test.each(Object.entries(SHOWN_BY))('the effect of %s is shown where it is said to be', (_, [file, words]) => {
  expect(readFileSync(resolve(import.meta.dirname, '..', '..', file), 'utf8')).toContain(words);
});

test('`contimg up` and `dsa110-stream` take every option, and nobody else’s', () => {
  const own = { up: ['--api-port', '--no-api'], 'dsa110-stream': [] };
  for (const command of [upCommand(), streamCommand()]) {
    const taken = command.options.map(({ long }) => long).filter((long) => long !== '--config' && long !== '--json');
    expect(new Set(taken)).toEqual(new Set([...STREAM_OPTIONS.map(flagOf), ...own[command.name() === 'up' ? 'up' : 'dsa110-stream']]));
  }
});

const settingsFrom = (...typed: [string, string][]): Settings =>
  loadSettings({ flags: readStreamOptions(new Map(typed)).sources }).settings;

test('--expected-subbands 8 makes eight files a full group', () => {
  const { expected, minimum } = groupPolicyOf(settingsFrom(['--expected-subbands', '8'])).collecting;
  const files = Array.from({ length: 8 }, (_, subband) => ({
    path: `/raw/sb${subband}`,
    subband,
    bytes: 1,
    mtimeMs: 0,
    inode: `${subband}`,
    headerDigest: 'h',
    gridDigest: 'g',
    integrations: 24,
  }));
  expect(chooseMembers(files, expected).missing).toEqual([]);
  expect(minimum).toBe(8);
});

test('--chunk-duration 5.15 is the cadence the ledger expects until groups show their own', () => {
  const nominalMs = settingsFrom(['--chunk-duration', '5.15']).cadence.nominalMin * 60_000;
  expect(learnCadence([], nominalMs)).toEqual({ ms: 309_000, from: 'nominal' });
});

test('--in-progress-timeout 300 gives an attempt 300 s, and one that is silent for 30 s is lost whatever it says', () => {
  const options = scienceOptions('host-a-science', 'live', groupPolicyOf(settingsFrom(['--in-progress-timeout', '300'])));
  expect(options).toMatchObject({ startToCloseTimeout: 300_000, heartbeatTimeout: 30_000 });
});

test('--max-retries 1 is two attempts, for solving, too', () => {
  const policy = groupPolicyOf(settingsFrom(['--max-retries', '1']));
  expect([attemptBudget('flag', policy), attemptBudget('solve', policy)]).toEqual([2, 2]);
});

test('--omp-threads 3 is what the science programs may use; BLAS stays at one thread', () => {
  const threads = settingsFrom(['--omp-threads', '3']).worker.ompThreads;
  const python = { interpreter: 'python3', sourceFolder: '/science' };
  expect(scienceEnvironment({ python, threads, numbaCacheFolder: '/cache', workDir: '/work', outside: {} })).toMatchObject({
    OMP_NUM_THREADS: '3',
    NUMBA_NUM_THREADS: '3',
    OPENBLAS_NUM_THREADS: '1',
    MKL_NUM_THREADS: '1',
  });
});

test('steps at once × threads above the cores is warned of', () => {
  const { worker } = settingsFrom(['--slots', '3'], ['--omp-threads', '2']);
  expect(slotWarning({ worker }, 4)).toBe('3 steps at once × 2 threads is more than the 4 cores of this machine');
  expect(slotWarning({ worker }, 6)).toBeNull();
});

test('without --slots there are as many as steps with these threads fit on the cores', () => {
  expect(slotWarning(settingsFrom(['--omp-threads', '1']))).toBeNull();
});
