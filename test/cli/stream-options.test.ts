/** Every option of the earlier streaming converter, one by one, to the setting it stands for. */
import { loadSettings } from '../../src/config/load.ts';
import { SETTING_LEAVES } from '../../src/config/keys.ts';
import { CommandError } from '../../src/cli/problem.ts';
import { STREAM_OPTIONS, readStreamOptions } from '../../src/cli/stream-options.ts';

const at = (settings: unknown, key: string): unknown =>
  key
    .split('.')
    .reduce<unknown>((value, name) => (value === null || typeof value !== 'object' ? undefined : Reflect.get(value, name)), settings);

const COUNTED = [
  ['--input-dir', '/raw', 'paths.input', '/raw'],
  ['--output-dir', '/products', 'paths.output', '/products'],
  ['--scratch-dir', '/fast', 'paths.scratch', '/fast'],
  ['--state-dir', '/state', 'paths.state', '/state'],
  ['--catalogue', '/sources.csv', 'paths.catalogue', '/sources.csv'],
  ['--queue-db', '/db.sqlite3', 'paths.database', '/db.sqlite3'],
  ['--registry-db', '/db.sqlite3', 'paths.database', '/db.sqlite3'],
  ['--products-db', '/db.sqlite3', 'paths.database', '/db.sqlite3'],
  ['--expected-subbands', '8', 'collecting.expected', 8],
  ['--chunk-duration', '5.15', 'cadence.nominalMin', 5.15],
  ['--collecting-timeout', '60', 'collecting.warnAfterS', 60],
  ['--collecting-deadline', '120', 'collecting.deadlineS', 120],
  ['--minimum-subbands', '12', 'collecting.minimum', 12],
  ['--on-deadline', 'park', 'collecting.onDeadline', 'park'],
  ['--in-progress-timeout', '300', 'attempt.timeoutFloorS', 300],
  ['--max-retries', '1', 'attempt.maxRetries', 1],
  ['--poll-interval', '2', 'watch.pollS', 2],
  ['--omp-threads', '3', 'worker.ompThreads', 3],
  ['--stage-inputs', true, 'steps.stageToScratch.mode', 'copy'],
  ['--no-stage-inputs', true, 'steps.stageToScratch.mode', 'link'],
  ['--stage-workers', '2', 'steps.stageToScratch.copies', 2],
  ['--stage-to-tmpfs', true, 'steps.moveToTmpfs.enabled', true],
  ['--no-stage-to-tmpfs', true, 'steps.moveToTmpfs.enabled', false],
  ['--tmpfs-path', '/mem', 'paths.tmpfs', '/mem'],
  ['--cleanup-temp', true, 'scratch.cleanup', true],
  ['--no-cleanup-temp', true, 'scratch.cleanup', false],
  ['--enable-calibration-solving', true, 'policy.solve', true],
  ['--enable-photometry', true, 'policy.photometry', true],
  ['--enable-mosaic-creation', true, 'policy.mosaic', true],
  ['--monitoring', true, 'monitor.enabled', true],
  ['--no-monitoring', true, 'monitor.enabled', false],
  ['--monitor-interval', '30', 'monitor.intervalS', 30],
  ['--health-port', '9101', 'health.port', 9101],
  ['--health-host', '0.0.0.0', 'health.host', '0.0.0.0'],
  ['--profile', true, 'profile.hz', 10],
  ['--log-level', 'CRITICAL', 'log.level', 'fatal'],
  ['--log-level', 'WARNING', 'log.level', 'warn'],
  ['--temporal-address', 'host:7233', 'temporal.address', 'host:7233'],
  ['--temporal-namespace', 'dsa', 'temporal.namespace', 'dsa'],
  ['--temporal-port', '7300', 'temporal.port', 7300],
  ['--ui-port', '8300', 'temporal.uiPort', 8300],
  ['--slots', '2', 'worker.slots', 2],
  ['--host-name', 'lxd110h01', 'worker.hostName', 'lxd110h01'],
] as const;

test.each(COUNTED)('%s %s sets %s', (flag, value, key, expected) => {
  const { sources, notices, warnings } = readStreamOptions(new Map([[flag, value]]));
  const { settings, origins } = loadSettings({ flags: sources });
  expect(at(settings, key)).toBe(expected);
  expect(origins[key]).toBe(`flag ${flag}`);
  expect([...notices, ...warnings]).toEqual([]);
});

test.each(['--worker-poll-interval', '--use-subprocess', '--direct-ms', '--parallel-subband'])(
  '%s works without effect and says why',
  (flag) => {
    const { sources, notices } = readStreamOptions(new Map([[flag, flag === '--worker-poll-interval' ? '5' : true]]));
    expect(sources).toEqual([]);
    expect(notices).toHaveLength(1);
  },
);

test('--checkpoint-dir warns that it is superseded and is not used', () => {
  const { sources, warnings } = readStreamOptions(new Map([['--checkpoint-dir', '/checkpoints']]));
  expect(sources).toEqual([]);
  expect(warnings[0]).toContain('superseded');
});

test.each([
  ['--no-use-subprocess', new Map([['--no-use-subprocess', true]])],
  [
    'two databases',
    new Map([
      ['--queue-db', '/a'],
      ['--products-db', '/b'],
    ]),
  ],
  ['a number that is none', new Map([['--max-retries', 'three']])],
  ['an unknown log level', new Map([['--log-level', 'LOUD']])],
])('%s is refused as wrong usage, with a remedy', (_, given: Map<string, string | boolean>) => {
  expect(() => readStreamOptions(given)).toThrow(CommandError);
  expect(() => readStreamOptions(given)).toThrow(expect.objectContaining({ exitCode: 64 }));
});

test('the same file named by two options is one database', () => {
  const given = new Map([
    ['--queue-db', '/a'],
    ['--products-db', '/elsewhere/../a'],
  ]);
  expect(loadSettings({ flags: readStreamOptions(given).sources }).settings.paths.database).toBe('/a');
});

test('every option is in this table, and every setting it names exists', () => {
  const inert = [
    '--checkpoint-dir',
    '--worker-poll-interval',
    '--use-subprocess',
    '--no-use-subprocess',
    '--direct-ms',
    '--parallel-subband',
  ];
  const flags = STREAM_OPTIONS.map(({ flags: text }) => text.split(' ')[0]);
  expect(new Set([...COUNTED.map(([flag]) => flag), ...inert])).toEqual(new Set(flags));
  for (const [, , key] of COUNTED) expect(SETTING_LEAVES.has(key)).toBe(true);
});
