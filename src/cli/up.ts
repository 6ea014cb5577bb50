/**
 * `contimg up` and `dsa110-stream`: Temporal, worker, watcher, health endpoint and (for `up`) the API as one foreground
 * process tree on one machine. Refuses at once when it cannot work: a path, a port, a tool, a second instance.
 */
import { Command } from 'commander';
import { readPointingSchedule } from '../config/pointing-schedule-file.ts';
import { createLogger, logFileOf } from '../telemetry/log.ts';
import { EXIT } from './exit-codes.ts';
import { createOutput } from './output.ts';
import { runPipeline } from './pipeline-tree.ts';
import { usageError } from './problem.ts';
import { addStreamOptions, requirePaths, settingsOfStream } from './stream-flags.ts';
import { slotWarning } from './slot-warning.ts';

const EXIT_CODES = '\nExit codes: 0 stopped, 5 a check failed, 6 port in use, 11 Temporal does not start, 14 second instance, 64 usage';

export function upCommand(): Command {
  const command = new Command('up')
    .description('the whole pipeline on this machine: Temporal, worker, watcher, API and dashboard')
    .option('--api-port <n>', 'port of API and dashboard')
    .option('--no-api', 'without API and dashboard')
    .addHelpText('after', `\nExample:\n  contimg up --input-dir /data/incoming --output-dir /data/products\n${EXIT_CODES}`);
  return addStreamOptions(command).action(() => runFromCommand(command, { withApi: command.opts()['api'] !== false }));
}

export function streamCommand(): Command {
  const command = new Command('dsa110-stream')
    .description('watch a directory and process what arrives: watcher, embedded Temporal, worker, health endpoint')
    .addHelpText('after', `\nExample:\n  dsa110-stream --input-dir /data/incoming --output-dir /data/products\n${EXIT_CODES}`);
  return addStreamOptions(command).action(() => {
    process.title = 'dsa110-stream';
    return runFromCommand(command, { withApi: false });
  });
}

async function runFromCommand(command: Command, { withApi }: { withApi: boolean }): Promise<void> {
  const output = createOutput(command.opts()['json'] === true);
  const loaded = settingsOfStream(command, output);
  requirePaths(loaded, ['paths.input', 'paths.output']);
  const { settings } = loaded;
  const { problem } = await readPointingSchedule(settings.paths.pointingSchedule);
  if (problem !== null)
    throw usageError(`the pointing schedule cannot be used: ${problem}`, 'correct it, or leave paths.pointing_schedule out');
  const apiPort: unknown = command.opts()['apiPort'];
  if (apiPort !== undefined) settings.api.port = portNumber('--api-port', apiPort);
  const warning = slotWarning(settings);
  if (warning !== null) output.warn(warning);
  const log = createLogger({ level: settings.log.level, name: 'up', file: logFileOf(settings) });
  await runPipeline({ settings, withApi, log, output });
  process.exitCode = EXIT.done;
}

function portNumber(flag: string, value: unknown): number {
  const port = Number(value);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw usageError(`${flag} takes a port, not "${String(value)}"`, `for example ${flag} 8000`);
  return port;
}
