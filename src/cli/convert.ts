/**
 * `contimg convert INPUT OUTPUT START END`: batch conversion without a daemon. Takes the pipeline that serves this database
 * when there is one, the same step code in the foreground otherwise, and says which. Repeating it leaves alone what is valid.
 */
import { mkdirSync } from 'node:fs';
import { Command, Option } from 'commander';
import type { SettingSource } from '../config/environment.ts';
import { configurationFile } from '../config/configuration-file.ts';
import { loadSettings } from '../config/load.ts';
import { stepNameSchema, type StepName } from '../domain/step.ts';
import type { Interval } from '../library/batch.ts';
import { createLogger } from '../telemetry/log.ts';
import type { ConvertOrder } from './convert-order.ts';
import { batchResult } from './convert-result.ts';
import { convertHere } from './convert-foreground.ts';
import { convertThere } from './convert-temporal.ts';
import { chooseEngine, ENGINES } from './engine-choice.ts';
import { instant, positiveInteger } from './instant.ts';
import { createOutput } from './output.ts';
import { requireReadableFolder } from './preflight.ts';
import { usageError } from './problem.ts';

/** What a conversion may end with. */
const LAST_STEPS = ['organize', 'flag', 'calibrate', 'image', 'photometry'] as const satisfies readonly StepName[];

export function convertCommand(): Command {
  const command = new Command('convert')
    .description('convert the groups that start in [START, END) to Measurement Sets; START = END: the group of that instant')
    .argument('[input]', 'directory of *_sb??.hdf5; opened read-only')
    .argument('[output]', 'base of ms/science and ms/calibrators')
    .argument('[start]', 'RFC 3339, 2025-10-02T00:05:18 (UTC), unix seconds or mjd:60000.5')
    .argument('[end]', 'not included')
    .option('--input-dir <dir>', 'instead of INPUT')
    .option('--output-dir <dir>', 'instead of OUTPUT')
    .option('--start <time>', 'instead of START')
    .option('--end <time>', 'instead of END')
    .addOption(new Option('--engine <which>', 'who converts').choices(ENGINES).default('auto'))
    .addOption(
      new Option('--steps <last>', 'the last step; after organize needs a running pipeline').choices(LAST_STEPS).default('organize'),
    )
    .option('--jobs <n>', 'groups at a time; default as many as steps fit on this machine')
    .option('--force', 'convert again what is there already', false)
    .option('--result-file <file>', 'write the JSON result there, too')
    .option('--config <file>', 'configuration file (.yaml or .json)')
    .option('--state-dir <dir>', 'product database of the admitted files')
    .option('--queue-db <file>', 'the product database')
    .option('--scratch-dir <dir>', 'fast disk for parts')
    .option('--temporal-address <host:port>', 'a running Temporal server')
    .option('--temporal-namespace <name>', 'namespace of the pipeline')
    .option('--omp-threads <n>', 'threads of a step', Number)
    .option('--minimum-subbands <n>', 'skip groups with fewer', Number)
    .option('--json', 'one JSON document on stdout', false)
    .addHelpText(
      'after',
      '\nExample:\n  contimg convert /data/incoming /data/products 2025-10-02T00:00:00 2025-10-02T06:00:00\n\nExit codes: 0 all there, 2 input or output, 6 no space, 8 none converted, 11 no pipeline answers, 13 no group in the interval,\n  14 another writer on this database, 15 some failed, 130 stopped',
    );
  return command.action(async (...words: unknown[]) => {
    const output = createOutput(command.opts()['json'] === true);
    const { settings, interval, intervalText } = orderOf(command, words.slice(0, 4));
    const options = command.opts();
    requireReadableFolder(settings.paths.input);
    mkdirSync(settings.paths.scratch, { recursive: true });
    const stopping = new AbortController();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort(new Error(`stopped by ${signal}`)));
    const order: ConvertOrder = {
      settings,
      interval,
      intervalText,
      jobs: options['jobs'] === undefined ? settings.worker.slots : positiveInteger('--jobs', options['jobs']),
      force: options['force'] === true,
      last: stepNameSchema.parse(options['steps']),
      log: createLogger({ level: 'warn', name: 'convert' }),
      signal: stopping.signal,
      progress: (line) => void process.stderr.write(`${line}\n`),
    };
    const engine = await chooseEngine(settings, String(options['engine']), order.last);
    order.progress(`engine ${engine.name}: ${engine.because}`);
    const conversions = engine.name === 'local' ? await convertHere(order) : await convertThere(order);
    process.exitCode = batchResult(output, {
      engine: engine.name,
      conversions,
      resultFile: options['resultFile'],
      signal: stopping.signal,
    });
  });
}

const PLACES = [
  { name: 'INPUT', option: 'inputDir', flag: '--input-dir' },
  { name: 'OUTPUT', option: 'outputDir', flag: '--output-dir' },
  { name: 'START', option: 'start', flag: '--start' },
  { name: 'END', option: 'end', flag: '--end' },
] as const;

function orderOf(command: Command, words: readonly unknown[]): Pick<ConvertOrder, 'settings' | 'interval' | 'intervalText'> {
  const given = command.opts();
  // Words fill what no flag named, in their order.
  const rest = words.filter((word) => typeof word === 'string');
  const [input, outputDir, start, end] = PLACES.map(({ name, option, flag }) => {
    const value: unknown = given[option] ?? rest.shift();
    if (typeof value !== 'string') throw usageError(`${name} is missing`, `contimg convert INPUT OUTPUT START END, or ${flag}`);
    return value;
  });
  if (rest.length > 0) throw usageError(`"${rest.join(' ')}" is one argument too many`, 'contimg convert INPUT OUTPUT START END');
  const interval: Interval = { startMs: instant(start ?? ''), endMs: instant(end ?? '') };
  if (interval.endMs < interval.startMs) throw usageError('END is before START', 'give the earlier one first');
  const { settings } = loadSettings({
    ...configurationFile(given['config'], process.env),
    env: process.env,
    flags: [
      { key: 'paths.input', value: input, name: 'INPUT' },
      { key: 'paths.output', value: outputDir, name: 'OUTPUT' },
      ...flag('paths.state', given['stateDir'], '--state-dir'),
      ...flag('paths.database', given['queueDb'], '--queue-db'),
      ...flag('paths.scratch', given['scratchDir'], '--scratch-dir'),
      ...flag('temporal.address', given['temporalAddress'], '--temporal-address'),
      ...flag('temporal.namespace', given['temporalNamespace'], '--temporal-namespace'),
      ...flag('worker.ompThreads', given['ompThreads'], '--omp-threads'),
      ...flag('collecting.minimum', given['minimumSubbands'], '--minimum-subbands'),
    ],
  });
  return { settings, interval, intervalText: start === end ? `the instant ${start}` : `[${start}, ${end})` };
}

const flag = (key: string, value: unknown, name: string): SettingSource[] => (value === undefined ? [] : [{ key, value, name }]);
