/**
 * `contimg watch`: the watcher alone, for the host that sees the raw directory. `--once` scans, reports and ends.
 * Raw files are only read. Announcements that Temporal does not take wait in the product database.
 */
import { Command } from 'commander';
import { openForWriting } from '../catalog/database.ts';
import type { Settings } from '../config/settings.ts';
import type { CatalogDatabase } from '../catalog/statement.ts';
import { createIngest, type Ingest } from '../ingest/ingest.ts';
import { filesNotTaken, type NotTaken } from '../ingest/not-taken.ts';
import { escapedPath } from '../ingest/safe-path.ts';
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
      await withIngest(loaded.settings, async (ingest, database) => {
        if (command.opts()['once'] === true) {
          const status = await ingest.once();
          const notTaken = filesNotTaken(database, status.directory);
          output.result({ ...status, files_not_taken: notTaken }, [...inWords(status), ...notTakenInWords(notTaken)]);
        } else {
          await followUntilStopped(ingest);
        }
      });
    });
}

async function withIngest(settings: Settings, work: (ingest: Ingest, database: CatalogDatabase) => Promise<void>): Promise<void> {
  const log = createLogger({ level: settings.log.level, name: 'watch', file: logFileOf(settings) });
  const catalog = openForWriting(settings.paths.database, { role: 'watch' });
  const temporal = createReconnectingAnnounce(settings);
  try {
    await work(await createIngest({ settings, database: catalog.database, announce: temporal.announce, log }), catalog.database);
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
    `${status.settling} still settling, ${status.incomplete} incomplete (${status.left_incomplete.length} of them the last of a run)`,
    `${status.copies_in_progress} being copied, ${status.foreign} with other names`,
    `${status.unannounced} wait to be announced to Temporal`,
  ];
  return status.last_scan_problem === null ? lines : [...lines, `the directory could not be read whole: ${status.last_scan_problem}`];
}

const MOST_SHOWN = 20;

function notTakenInWords(files: readonly NotTaken[]): string[] {
  const lines = files
    .slice(0, MOST_SHOWN)
    .flatMap(({ path, status, reason, remedy }) => [
      `${status}  ${escapedPath(path)}`,
      `  ${reason}`,
      ...(remedy === null ? [] : [`  ${remedy}`]),
    ]);
  return files.length <= MOST_SHOWN ? lines : [...lines, `and ${files.length - MOST_SHOWN} more; --json names them all`];
}
