/**
 * `contimg watch`: the watcher alone, for the host that sees the raw directory. `--once` scans, reports and ends.
 * Raw files are only read. Announcements that Temporal does not take wait in the product database.
 */
import { Command, Option } from '@commander-js/extra-typings';
import { openForWriting } from '../catalog/database.ts';
import type { SettingSource } from '../config/environment.ts';
import { loadSettings } from '../config/load.ts';
import type { Settings } from '../config/settings.ts';
import { createIngest } from '../ingest/ingest.ts';
import type { WatchStatus } from '../ingest/watch-status.ts';
import { createLogger, logFileOf } from '../telemetry/log.ts';
import { createReconnectingAnnounce } from '../temporal/announce.ts';

const SETTING_OF_FLAG = {
  inputDir: 'paths.input',
  queueDb: 'paths.database',
  stateDir: 'paths.state',
  pollInterval: 'watch.pollS',
  rescanInterval: 'watch.rescanS',
  settle: 'watch.settleS',
  admission: 'watch.admissionS',
  expectedSubbands: 'collecting.expected',
  temporalAddress: 'temporal.address',
  temporalNamespace: 'temporal.namespace',
  logLevel: 'log.level',
} as const;

export function watchCommand() {
  return new Command('watch')
    .description('admit raw subband files and tell the workflows of their groups')
    .option('--config <file>', 'configuration file (.yaml or .json)')
    .option('--input-dir <dir>', 'directory of *_sb??.hdf5; opened read-only')
    .option('--state-dir <dir>', 'database and logs')
    .option('--queue-db <file>', 'the product database')
    .option('--poll-interval <s>', 'scan period when file events are not usable', Number)
    .option('--rescan-interval <s>', 'period of full scans, whatever events say', Number)
    .option('--settle <s>', 'a file must stay unchanged this long', Number)
    .option('--admission <s>', 'how long an unreadable header is tried again', Number)
    .option('--expected-subbands <n>', 'members of a full group', Number)
    .option('--temporal-address <host:port>', 'a running Temporal server')
    .option('--temporal-namespace <name>')
    .addOption(new Option('--log-level <level>').choices(['debug', 'info', 'warn', 'error', 'fatal'] as const))
    .option('--no-events', 'scan only')
    .option('--once', 'scan, report and end', false)
    .option('--json', 'with --once: one JSON document on stdout', false)
    .addHelpText(
      'after',
      '\nExample:\n  contimg watch --input-dir /data/incoming --once --json\n\nExit codes: 0 done, 9 database, 14 another watcher runs',
    )
    .action(async (options) => {
      const { settings } = loadSettings({ ...configFile(options.config), env: process.env, flags: flagsOf(options) });
      if (options.once) await reportOnce(settings, options.json);
      else await watchUntilStopped(settings);
    });
}

function flagsOf(options: Readonly<Record<string, unknown>>): SettingSource[] {
  const flags: SettingSource[] = Object.entries(SETTING_OF_FLAG).flatMap(([flag, key]) =>
    options[flag] === undefined
      ? []
      : [{ key, value: options[flag], name: `--${flag.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}` }],
  );
  return options['events'] === false ? [...flags, { key: 'watch.events', value: false, name: '--no-events' }] : flags;
}

function configFile(named: string | undefined): { file?: string } {
  const file = named ?? process.env['CONTIMG_CONFIG'];
  return file === undefined ? {} : { file };
}

async function reportOnce(settings: Settings, asJson: boolean): Promise<void> {
  const log = createLogger({ level: settings.log.level, name: 'watch' });
  const catalog = openForWriting(settings.paths.database, { role: 'watch' });
  const temporal = createReconnectingAnnounce(settings);
  try {
    const ingest = await createIngest({ settings, database: catalog.database, announce: temporal.announce, log });
    const status = await ingest.once();
    process.stdout.write(asJson ? `${JSON.stringify({ ok: true, data: status, warnings: [], problem: null })}\n` : inWords(status));
  } finally {
    await temporal.close();
    catalog.close();
  }
}

async function watchUntilStopped(settings: Settings): Promise<void> {
  const log = createLogger({ level: settings.log.level, name: 'watch', file: logFileOf(settings) });
  const catalog = openForWriting(settings.paths.database, { role: 'watch' });
  const temporal = createReconnectingAnnounce(settings);
  try {
    const ingest = await createIngest({ settings, database: catalog.database, announce: temporal.announce, log });
    await ingest.start();
    log.info(ingest.status(), 'watching');
    const signalled = new Promise<void>((resolve) => {
      for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
    });
    await Promise.race([signalled, ingest.ended]);
    await ingest.stop();
  } finally {
    await temporal.close();
    catalog.close();
  }
}

function inWords(status: WatchStatus): string {
  const problem = status.last_scan_problem === null ? '' : `The directory could not be read whole: ${status.last_scan_problem}\n`;
  return [
    `${status.directory}: ${status.files_seen} entries, ${status.admitted_since_start} newly admitted, ${status.rejected_since_start} refused`,
    `${status.settling} still settling, ${status.incomplete} incomplete, ${status.copies_in_progress} being copied, ${status.foreign} with other names`,
    `${status.unannounced} wait to be announced to Temporal\n${problem}`,
  ].join('\n');
}
