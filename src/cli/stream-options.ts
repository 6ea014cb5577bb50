/**
 * The options of `dsa110-stream` and `contimg up`, as data: each maps to one setting, or says why it has no effect, or is
 * refused. Names and meanings are those of the earlier streaming converter.
 */
import { resolve } from 'node:path';
import type { SettingSource } from '../config/environment.ts';
import { usageError } from './problem.ts';
import { numberOf } from './number-option.ts';

type Value = string | boolean;

interface SettingOption {
  flags: string;
  does: string;
  /** The settings it stands for. */
  sets(value: Value): Readonly<Record<string, unknown>>;
}
interface InertOption {
  flags: string;
  does: string;
  /** Works without effect and says why. */
  says: { kind: 'notice' | 'warning'; text: string };
}
interface RefusedOption {
  flags: string;
  does: string;
  refusal: { detail: string; remedy: string };
}
export type StreamOption = SettingOption | InertOption | RefusedOption;

const text = (flags: string, key: string, does: string): SettingOption => ({ flags, does, sets: (value) => ({ [key]: value }) });
const numeric = (flags: string, key: string, does: string): SettingOption => ({
  flags,
  does,
  sets: (value) => ({ [key]: numberOf(flags.split(' ')[0] ?? flags, value, 5) }),
});
const fixed = (flags: string, does: string, settings: Readonly<Record<string, unknown>>): SettingOption => ({
  flags,
  does,
  sets: () => settings,
});
const notice = (flags: string, does: string, says: string): InertOption => ({ flags, does, says: { kind: 'notice', text: says } });

const LOG_LEVELS: Readonly<Record<string, string>> = {
  debug: 'debug',
  info: 'info',
  warn: 'warn',
  warning: 'warn',
  error: 'error',
  critical: 'fatal',
  fatal: 'fatal',
};
const ONE_WRITER = 'one writer streams all subbands into one Measurement Set; there are no parts';

export const STREAM_OPTIONS: readonly StreamOption[] = [
  text('--input-dir <dir>', 'paths.input', 'directory of *_sb??.hdf5; opened read-only'),
  text('--output-dir <dir>', 'paths.output', 'base for Measurement Sets, images and tables'),
  text('--scratch-dir <dir>', 'paths.scratch', 'fast disk for staging and parts'),
  text('--state-dir <dir>', 'paths.state', 'database, Temporal file, locks, logs'),
  text('--catalogue <file>', 'paths.catalogue', 'CSV of monitored sources'),
  {
    flags: '--checkpoint-dir <dir>',
    does: 'accepted, not used',
    says: { kind: 'warning', text: '--checkpoint-dir is superseded by Temporal history; nothing is read or written there' },
  },
  text('--queue-db <file>', 'paths.database', 'the product database'),
  text('--registry-db <file>', 'paths.database', 'the same database'),
  text('--products-db <file>', 'paths.database', 'the same database'),
  numeric('--expected-subbands <n>', 'collecting.expected', 'members of a full group'),
  numeric('--chunk-duration <min>', 'cadence.nominalMin', 'nominal cadence; never a grouping boundary'),
  numeric('--collecting-timeout <s>', 'collecting.warnAfterS', 'warn this long after the first file'),
  numeric('--collecting-deadline <s>', 'collecting.deadlineS', 'decide about an incomplete group after this long'),
  numeric('--minimum-subbands <n>', 'collecting.minimum', 'with fewer at the deadline a group parks'),
  text('--on-deadline <policy>', 'collecting.onDeadline', 'convert-degraded, park or fail'),
  numeric('--in-progress-timeout <s>', 'attempt.timeoutFloorS', 'floor of the time limit of one attempt'),
  numeric('--max-retries <n>', 'attempt.maxRetries', 'retries after the first try'),
  numeric('--poll-interval <s>', 'watch.pollS', 'scan period when file events are not usable'),
  notice('--worker-poll-interval <s>', 'accepted, not used', 'workers long-poll Temporal; there is no idle wait'),
  numeric('--omp-threads <n>', 'worker.ompThreads', 'threads a science step may use'),
  notice('--use-subprocess', 'always so', 'steps are always subprocesses'),
  {
    flags: '--no-use-subprocess',
    does: 'refused',
    refusal: { detail: 'steps always run as subprocesses', remedy: 'leave --no-use-subprocess out' },
  },
  fixed('--stage-inputs', 'copy subbands to scratch first', { 'steps.stageToScratch.mode': 'copy' }),
  fixed('--no-stage-inputs', 'read subbands in place', { 'steps.stageToScratch.mode': 'link' }),
  numeric('--stage-workers <n>', 'steps.stageToScratch.copies', 'subbands copied at a time'),
  fixed('--stage-to-tmpfs', 'keep the Measurement Set in memory while it is read', { 'steps.moveToTmpfs.enabled': true }),
  fixed('--no-stage-to-tmpfs', 'read the Measurement Set from disk', { 'steps.moveToTmpfs.enabled': false }),
  text('--tmpfs-path <dir>', 'paths.tmpfs', 'memory file system'),
  notice('--direct-ms', 'always so', ONE_WRITER),
  notice('--parallel-subband', 'accepted, not used', ONE_WRITER),
  fixed('--cleanup-temp', 'remove scratch on success', { 'scratch.cleanup': true }),
  fixed('--no-cleanup-temp', 'keep scratch', { 'scratch.cleanup': false }),
  fixed('--enable-calibration-solving', 'solve on calibrator groups', { 'policy.solve': true }),
  fixed('--enable-photometry', 'measure the monitored sources', { 'policy.photometry': true }),
  fixed('--enable-mosaic-creation', 'let finished groups signal the mosaic of their hour', { 'policy.mosaic': true }),
  fixed('--monitoring', 'sample queue, disk, CPU and memory; serve health', { 'monitor.enabled': true }),
  fixed('--no-monitoring', 'neither sampling nor health endpoint; warnings stay', { 'monitor.enabled': false }),
  numeric('--monitor-interval <s>', 'monitor.intervalS', 'period of samples and of looking for what to warn of'),
  numeric('--health-port <n>', 'health.port', '/health, /ready and /metrics'),
  text('--health-host <host>', 'health.host', 'address the health endpoint binds'),
  fixed('--profile', 'trace CPU, memory and I/O of each attempt, ten times a second', { 'profile.hz': 10 }),
  {
    flags: '--log-level <level>',
    does: 'DEBUG, INFO, WARNING, ERROR or CRITICAL (fatal)',
    sets(value) {
      const level = LOG_LEVELS[String(value).toLowerCase()];
      if (level === undefined) throw usageError(`--log-level does not know "${value}"`, 'use DEBUG, INFO, WARNING, ERROR or CRITICAL');
      return { 'log.level': level };
    },
  },
  text('--temporal-address <host:port>', 'temporal.address', 'a running server; without it the embedded one is started'),
  text('--temporal-namespace <name>', 'temporal.namespace', 'namespace of the pipeline'),
  numeric('--temporal-port <n>', 'temporal.port', 'port of the embedded server'),
  numeric('--ui-port <n>', 'temporal.uiPort', 'Temporal Web UI'),
  numeric('--slots <n>', 'worker.slots', 'heavy steps at once'),
  text('--host-name <name>', 'worker.hostName', 'the stable name behind host-<name>'),
];

export interface ReadOptions {
  sources: SettingSource[];
  notices: string[];
  warnings: string[];
}

/** `given`: long flag as typed (`--no-stage-inputs`) → its value. */
export function readStreamOptions(given: ReadonlyMap<string, Value>): ReadOptions {
  const read: ReadOptions = { sources: [], notices: [], warnings: [] };
  for (const option of STREAM_OPTIONS) {
    const flag = option.flags.split(' ')[0] ?? option.flags;
    const value = given.get(flag);
    if (value === undefined) continue;
    if ('refusal' in option) throw usageError(option.refusal.detail, option.refusal.remedy);
    if ('says' in option) {
      (option.says.kind === 'notice' ? read.notices : read.warnings).push(option.says.text);
      continue;
    }
    for (const [key, setting] of Object.entries(option.sets(value))) read.sources.push({ key, value: setting, name: flag });
  }
  refuseTwoDatabases(read.sources);
  return read;
}

function refuseTwoDatabases(sources: readonly SettingSource[]): void {
  const databases = sources.filter(({ key }) => key === 'paths.database');
  const [first] = databases.map(({ value }) => resolve(String(value)));
  const other = databases.find(({ value }) => resolve(String(value)) !== first);
  if (other === undefined) return;
  throw usageError(
    `${databases[0]?.name} and ${other.name} name two files; there is one product database`,
    'name the same file, or only one of the options',
  );
}
