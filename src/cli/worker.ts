/**
 * `contimg worker`: one worker of this host; with `--catalog` also the one writer of the product database. SIGTERM drains:
 * running steps get the grace time, then they are cancelled.
 */
import { Command } from 'commander';
import { createLogger, logFileOf } from '../telemetry/log.ts';
import { startWorker } from '../temporal/worker.ts';
import { EXIT } from './exit-codes.ts';
import { createOutput } from './output.ts';
import { addStreamOptions, requirePaths, settingsOfStream } from './stream-flags.ts';

export function workerCommand(): Command {
  const command = new Command('worker')
    .description('run steps of groups on this host')
    .option('--catalog', 'also write the product database', false);
  return addStreamOptions(command)
    .addHelpText(
      'after',
      '\nExample:\n  contimg worker --output-dir /data/products --catalog\n\nExit codes: 0 drained, 9 database, 11 Temporal not reachable, 14 another writer',
    )
    .action(async () => {
      const loaded = settingsOfStream(command, createOutput(false));
      requirePaths(loaded, ['paths.output']);
      const { settings } = loaded;
      const log = createLogger({ level: settings.log.level, name: 'worker', file: logFileOf(settings) });
      const worker = await startWorker({ settings, log, catalog: command.opts()['catalog'] === true });
      log.info({ host: settings.worker.hostName, slots: settings.worker.slots, threads: settings.worker.ompThreads }, 'the worker runs');
      for (const signal of ['SIGTERM', 'SIGINT'] as const) {
        process.once(signal, () => {
          log.info({ signal, graceS: settings.worker.graceS }, 'draining');
          worker.shutdown();
        });
      }
      await worker.finished;
      log.info('the worker is drained');
      process.exitCode = EXIT.done;
    });
}
