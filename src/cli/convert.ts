/**
 * `contimg convert INPUT OUTPUT START END`: batch conversion in the foreground, without a daemon. Repeating it leaves alone
 * what is valid.
 */
import { mkdirSync } from 'node:fs';
import { Command } from 'commander';
import { openForReading, openForWriting } from '../catalog/database.ts';
import type { SettingSource } from '../config/environment.ts';
import { loadSettings } from '../config/load.ts';
import { findSciencePython } from '../runner/science-environment.ts';
import { createLogger } from '../telemetry/log.ts';
import { type Conversion, type Interval, admitDirectory, convertGroup, groupsIn } from './convert-groups.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { createOutput, table } from './output.ts';
import { CommandError, usageError } from './problem.ts';

const MJD_ZERO_UNIX_MS = Date.UTC(1858, 10, 17);
const DAY_MS = 86_400_000;

export function convertCommand(): Command {
  const command = new Command('convert')
    .description('convert the groups that start in [START, END) to Measurement Sets; START = END: the group of that instant')
    .argument('<input>', 'directory of *_sb??.hdf5; opened read-only')
    .argument('<output>', 'base of ms/science and ms/calibrators')
    .argument('<start>', 'RFC 3339, 2025-10-02T00:05:18 (UTC), unix seconds or mjd:60000.5')
    .argument('<end>', 'not included')
    .option('--config <file>', 'configuration file (.yaml or .json)')
    .option('--state-dir <dir>', 'product database of the admitted files')
    .option('--omp-threads <n>', 'threads of a step', Number)
    .option('--minimum-subbands <n>', 'skip groups with fewer', Number)
    .option('--force', 'convert again what is there already', false)
    .option('--json', 'one JSON document on stdout', false)
    .addHelpText(
      'after',
      '\nExample:\n  contimg convert /data/incoming /data/products 2025-10-02T00:00:00 2025-10-02T06:00:00\n\nExit codes: 0 all there, 8 none converted, 13 no group in the interval, 14 a watcher runs on this state, 15 some failed',
    );
  return command.action(async (input: string, outputDir: string, start: string, end: string, options) => {
    const output = createOutput(options.json === true);
    const interval: Interval = { startMs: instant(start), endMs: instant(end) };
    if (interval.endMs < interval.startMs) throw usageError('END is before START', 'give the earlier one first');
    const { settings } = loadSettings({
      ...(typeof options.config === 'string' && { file: options.config }),
      env: process.env,
      flags: [
        { key: 'paths.input', value: input, name: 'INPUT' },
        { key: 'paths.output', value: outputDir, name: 'OUTPUT' },
        ...flag('paths.state', options.stateDir, '--state-dir'),
        ...flag('worker.ompThreads', options.ompThreads, '--omp-threads'),
        ...flag('collecting.minimum', options.minimumSubbands, '--minimum-subbands'),
      ],
    });
    mkdirSync(settings.paths.scratch, { recursive: true });
    const log = createLogger({ level: 'warn', name: 'convert' });
    const dependencies = {
      settings,
      log,
      hostName: settings.worker.hostName,
      python: findSciencePython(),
      openCatalog: () => openForReading(settings.paths.database),
    };
    const stopping = new AbortController();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort(new Error(`stopped by ${signal}`)));
    const catalog = openForWriting(settings.paths.database, { role: 'watch' });
    try {
      await admitDirectory(dependencies, catalog.database);
      const groups = groupsIn(catalog.database, interval);
      if (groups.length === 0) throw noGroup(start, end);
      const conversions: Conversion[] = [];
      for (const group of groups) {
        conversions.push(
          await convertGroup(dependencies, catalog.database, group, {
            force: options.force === true,
            signal: stopping.signal,
            progress: toStderr,
          }),
        );
      }
      const rows = conversions.map(({ groupId, outcome, ms, reason }) => [groupId, outcome, ms ?? reason ?? '']);
      output.result({ groups: conversions }, table(['GROUP', 'OUTCOME', 'WHERE OR WHY'], rows));
      process.exitCode = exitCodeOf(conversions);
    } finally {
      catalog.close();
    }
  });
}

const toStderr = (line: string): void => void process.stderr.write(`${line}\n`);

function exitCodeOf(conversions: readonly Conversion[]): ExitCode {
  const bad = conversions.filter(({ ms }) => ms === null).length;
  if (bad === 0) return EXIT.done;
  return bad === conversions.length ? EXIT.conversion : EXIT.partly;
}

const flag = (key: string, value: unknown, name: string): SettingSource[] => (value === undefined ? [] : [{ key, value, name }]);

/** RFC 3339; without zone it is UTC; unix seconds; or `mjd:` and days. */
function instant(text: string): number {
  const mjd = /^mjd:(\d+(?:\.\d+)?)$/.exec(text)?.[1];
  if (mjd !== undefined) return MJD_ZERO_UNIX_MS + Number(mjd) * DAY_MS;
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  const zoned = /(Z|[+-]\d{2}:\d{2})$/.test(text) || !text.includes('T') ? text : `${text}Z`;
  const unixMs = Date.parse(zoned);
  if (Number.isNaN(unixMs)) throw usageError(`"${text}" is not a time`, 'use 2025-10-02T00:05:18 (UTC), unix seconds or mjd:60000.5');
  return unixMs;
}

const noGroup = (start: string, end: string): CommandError =>
  new CommandError(EXIT.notFound, {
    code: 'no_group',
    detail: `no group starts in [${start}, ${end})`,
    remedy: 'look at the file names in the input directory; times are UTC',
  });
