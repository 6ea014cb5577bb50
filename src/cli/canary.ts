/**
 * `contimg canary`: what the line made of synthetic sources in copies of finished groups. `ls` reads the product database, so
 * it works while the pipeline is down; `run` needs a worker and waits for the verdict.
 */
import { userInfo } from 'node:os';
import { Command } from 'commander';
import { canaryMeasurements, type CanaryMeasurementRow, type CanaryRunRow, listCanaries } from '../catalog/canaries.ts';
import type { CatalogDatabase } from '../catalog/database.ts';
import { fluxRatio } from '../domain/canary.ts';
import { groupIdSchema } from '../domain/group-id.ts';
import { runCanary } from '../temporal/canary-client.ts';
import { connectClient } from '../temporal/connection.ts';
import { EXIT } from './exit-codes.ts';
import { groupNamed, withDatabase } from './group-views.ts';
import { positiveInteger } from './instant.ts';
import { addLocalOptions, localSettings, wantsJson } from './local-options.ts';
import { createOutput, table } from './output.ts';
import { CommandError } from './problem.ts';

export function canaryCommand(): Command {
  return new Command('canary')
    .description('synthetic sources through the whole line, and what came back')
    .addCommand(listCommand())
    .addCommand(runCommand());
}

type ToldRun = CanaryRunRow & { sources: (CanaryMeasurementRow & { flux_ratio: number })[] };

const told = (database: CatalogDatabase, run: CanaryRunRow): ToldRun => ({
  ...run,
  sources: canaryMeasurements(database, run.run_id).map((row) => ({
    ...row,
    flux_ratio: fluxRatio({ measuredJy: row.measured_jy, beforeJy: row.before_jy, injectedJy: row.injected_jy }),
  })),
});

function listCommand(): Command {
  const command = new Command('ls')
    .description('canaries, newest first, with the sources of the newest')
    .option('--limit <n>', 'at most so many', '20')
    .addHelpText('after', '\nExample:\n  contimg canary ls --limit 5\n\nExit codes: 0 done, 9 database, 64 usage');
  return addLocalOptions(command).action((options) => {
    const output = createOutput(wantsJson(command));
    const limit = positiveInteger('--limit', options['limit']);
    const settings = localSettings(command);
    const runs = withDatabase(settings.paths.database, (database) => listCanaries(database, limit).map((run) => told(database, run)));
    const [newest] = runs;
    const none = settings.canary.enabled
      ? 'no canary yet'
      : 'no canary yet: switched off (canary.enabled); contimg canary run makes one now';
    output.result({ runs }, newest === undefined ? [none] : [...table(HEADER, runs.map(rowOf)), '', ...sourceTable(newest)]);
  });
}

const HEADER = ['ENDED', 'GROUP', 'VERDICT', 'TOOK', 'FLUX', 'WHY'];

const rowOf = (run: ToldRun): string[] => [
  run.ended_at.slice(0, 19),
  run.group_id,
  run.verdict,
  `${((Date.parse(run.ended_at) - Date.parse(run.started_at)) / 1000).toFixed(0)} s`,
  run.sources.map(({ flux_ratio: ratio }) => ratio.toFixed(3)).join(' ') || '-',
  run.reasons.join('; '),
];

function sourceTable(run: ToldRun): string[] {
  const rows = run.sources.map((source) => [
    source.name,
    source.kind,
    source.injected_jy.toFixed(4),
    (source.measured_jy - source.before_jy).toFixed(4),
    source.flux_ratio.toFixed(3),
    source.snr.toFixed(0),
    `${source.offset_arcsec.toFixed(2)}″`,
    source.passed ? 'as injected' : 'NOT as injected',
  ]);
  const header = ['SOURCE', 'KIND', 'INJECTED JY', 'RECOVERED JY', 'RATIO', 'SNR', 'OFFSET', ''];
  return [...(rows.length === 0 ? [] : table(header, rows)), ...(run.path === null ? [] : [`pictures: ${run.path}`])];
}

function runCommand(): Command {
  const command = new Command('run')
    .description('one canary now, and wait for its verdict; nothing of it reaches a light curve')
    .option('--group <id>', 'this group; default the one completed last')
    .addHelpText(
      'after',
      '\nExample:\n  contimg canary run\n\nExit codes: 0 all came back, 5 it did not, 10 a step failed, 9 database, 11 no worker or no Temporal, 13 no such group or none to take, 64 usage',
    );
  return addLocalOptions(command).action(async (options) => {
    const output = createOutput(wantsJson(command));
    const settings = localSettings(command);
    const named: unknown = options['group'];
    const groupId =
      typeof named === 'string'
        ? groupIdSchema.parse(withDatabase(settings.paths.database, (database) => groupNamed(database, named).group_id))
        : null;
    const client = await connectClient(settings);
    try {
      const outcome = await runCanary(client, settings.temporal.namespace, { groupId, by: userInfo().username });
      if (outcome.record === null) {
        throw new CommandError(EXIT.notFound, {
          code: 'nothing_to_take',
          detail: `no canary was run: ${outcome.reason}`,
          remedy: 'name another group with --group, or wait for the next one to be completed',
        });
      }
      const { runId, groupId: taken, verdict, reasons } = outcome.record;
      const run = withDatabase(settings.paths.database, (database) =>
        listCanaries(database, LATELY)
          .filter(({ run_id }) => run_id === runId)
          .map((row) => told(database, row)),
      )[0];
      output.result({ run }, [`canary of ${taken}: ${verdict}`, ...reasons, ...(run === undefined ? [] : sourceTable(run))]);
      if (verdict !== 'pass') process.exitCode = verdict === 'fail' ? EXIT.validation : EXIT.subprocess;
    } finally {
      await client.connection.close();
    }
  });
}

/** The one that just ended is among so many. */
const LATELY = 20;
