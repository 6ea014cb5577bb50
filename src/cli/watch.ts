/**
 * `contimg watch`: the watcher alone, for the host that sees the raw directory. `--once` scans, reports and ends.
 * Raw files are only read. Announcements that Temporal does not take wait in the product database.
 */
import { Command } from 'commander';
import { openForWriting } from '../catalog/database.ts';
import type { Settings } from '../config/settings.ts';
import { createIngest, type Ingest } from '../ingest/ingest.ts';
import type { WatchStatus } from '../ingest/watch-status.ts';
import { createLogger, logFileOf } from '../telemetry/log.ts';
import { createReconnectingAnnounce } from '../temporal/announce.ts';
import { createOutput } from './output.ts';
import { addStreamOptions, requirePaths, settingsOfStream } from './stream-flags.ts';

export function watchCommand(): Command {
  const command = new Command('watch')
    .description('admit raw subband files and tell the workflows of their groups')
    .option('--once', 'scan, report and end', false);
  return addStreamOptions(command)
    .addHelpText(
      'after',
      '\nExample:\n  contimg watch --input-dir /data/incoming --once --json\n\nExit codes: 0 done, 9 database, 14 another watcher runs',
    )
    .action(async () => {
      const output = createOutput(command.opts()['json'] === true);
      const loaded = settingsOfStream(command, output);
      requirePaths(loaded, ['paths.input']);
      await withIngest(loaded.settings, async (ingest) => {
        if (command.opts()['once'] === true) {
          const status = await ingest.once();
          output.result(status, inWords(status));
        } else {
          await followUntilStopped(ingest);
        }
      });
    });
}

async function withIngest(settings: Settings, work: (ingest: Ingest) => Promise<void>): Promise<void> {
  const log = createLogger({ level: settings.log.level, name: 'watch', file: logFileOf(settings) });
  const catalog = openForWriting(settings.paths.database, { role: 'watch' });
  const temporal = createReconnectingAnnounce(settings);
  try {
    await work(await createIngest({ settings, database: catalog.database, announce: temporal.announce, log }));
  } finally {
    await temporal.close();
    catalog.close();
  }
}

async function followUntilStopped(ingest: Ingest): Promise<void> {
  const signalled = new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
  });
  await ingest.start();
  await Promise.race([signalled, ingest.ended]);
  await ingest.stop();
}

function inWords(status: WatchStatus): string[] {
  const lines = [
    `${status.directory}: ${status.files_seen} entries, ${status.admitted_since_start} newly admitted, ${status.rejected_since_start} refused`,
    `${status.settling} still settling, ${status.incomplete} incomplete, ${status.copies_in_progress} being copied, ${status.foreign} with other names`,
    `${status.unannounced} wait to be announced to Temporal`,
  ];
  return status.last_scan_problem === null ? lines : [...lines, `the directory could not be read whole: ${status.last_scan_problem}`];
}
