/**
 * `contimg backfill START END`: has the groups of a range processed, so many at once, behind live work. It starts a workflow
 * and ends; `status`, `pause`, `continue` and `stop` talk to it.
 */
import { Command, Option } from 'commander';
import { groupsOfRange } from '../catalog/backfill-groups.ts';
import { openForWriting } from '../catalog/database.ts';
import { configDigestOf, groupPolicyOf } from '../config/group-policy.ts';
import type { Settings } from '../config/settings.ts';
import { type BackfillGroup, type BackfillInput, backfillInputSchema, backfillRange, planBackfill } from '../domain/backfill.ts';
import { laneSchema } from '../domain/group-state.ts';
import { reasonSchema } from '../domain/operator-request.ts';
import { isoFromUnixMs } from '../domain/utc.ts';
import { admitDirectory } from '../library/batch.ts';
import { createLogger } from '../telemetry/log.ts';
import { startBackfill } from '../temporal/backfill-client.ts';
import { connectClient } from '../temporal/connection.ts';
import { isServed } from '../temporal/start-group.ts';
import { backfillVerbs, withBackfillProblems } from './backfill-verbs.ts';
import { EXIT } from './exit-codes.ts';
import { withDatabase } from './group-views.ts';
import { instant, positiveInteger } from './instant.ts';
import { addLocalOptions, localSettings, wantsJson } from './local-options.ts';
import { createOutput, type Output, table } from './output.ts';
import { requireReadableFolder } from './preflight.ts';
import { CommandError, usageError } from './problem.ts';

const DEFAULT_WINDOW = 4;
const PAGE = 200;

export function backfillCommand(): Command {
  const command = new Command('backfill')
    .description('process the groups of [START, END) that lie on disk, so many at once')
    .argument('<start>', 'RFC 3339, 2025-10-02T00:05:18 (UTC), unix seconds or mjd:60000.5')
    .argument('<end>', 'not included')
    .addOption(new Option('--lane <lane>', 'whose turn it is').choices(laneSchema.options).default('backlog'))
    .option('--window <n>', 'groups in work at once', String(DEFAULT_WINDOW))
    .option('--input-dir <dir>', 'first admit the files of this directory; not needed where a watcher runs')
    .option('--force <reason>', 'do completed and cancelled groups again, too; why, 8 to 500 characters')
    .option('--dry-run', 'say which groups would be started, and start none', false)
    .addHelpText(
      'after',
      '\nExample:\n  contimg backfill 2025-10-02T00:00:00 2025-10-03T00:00:00 --window 2\n  contimg backfill status 2025-10-02T00:00:00..2025-10-03T00:00:00\n\nExit codes: 0 started, 9 database, 11 Temporal not reachable, 13 no group in the range, 14 runs already, 64 usage',
    );
  addLocalOptions(command).action(async (start: string, end: string, options) => {
    const settings = localSettings(command);
    const output = createOutput(wantsJson(command));
    const range = { startMs: instant(start), endMs: instant(end) };
    if (range.endMs <= range.startMs) throw usageError('END is not after START', 'give the earlier one first');
    if (options['inputDir'] !== undefined) await admit(settings, String(options['inputDir']));
    const input = inputOf(settings, range, options);
    const groups = withDatabase(settings.paths.database, (database) =>
      everyGroup((after) => groupsOfRange(database, { ...input, after, limit: PAGE })),
    );
    if (groups.length === 0) throw noGroup(input.range);
    if (options['dryRun'] === true) return showPlan(output, groups, input);
    const client = await connectClient(settings);
    try {
      await withBackfillProblems(() => startBackfill(client, input));
      if (!(await isServed(client.connection, settings.temporal.namespace)))
        output.warn('no worker polls yet; it begins when one is started');
    } finally {
      await client.connection.close();
    }
    output.result({ range: input.range, groups: groups.length, lane: input.lane, window: input.window }, [
      `started: ${groups.length} groups of ${input.range}, ${input.window} at once in lane ${input.lane}`,
      `follow it with: contimg backfill status ${input.range}`,
    ]);
  });
  // Its verbs have options of the same names.
  command.enablePositionalOptions();
  for (const verb of backfillVerbs()) command.addCommand(verb);
  return command;
}

function inputOf(
  settings: Settings,
  { startMs, endMs }: { startMs: number; endMs: number },
  options: Record<string, unknown>,
): BackfillInput {
  const force = options['force'] === undefined ? null : reasonSchema.safeParse(options['force']);
  if (force?.success === false) throw usageError('--force takes a reason of 8 to 500 characters', 'say why what is done is done again');
  return backfillInputSchema.parse({
    schemaVersion: 1,
    range: backfillRange({ startMs, endMs }),
    startAt: isoFromUnixMs(startMs),
    endAt: isoFromUnixMs(endMs),
    lane: options['lane'],
    window: positiveInteger('--window', options['window']),
    force: force?.data ?? null,
    policy: groupPolicyOf(settings),
    parameters: settings.steps,
    configDigest: configDigestOf(settings),
    before: null,
  });
}

async function admit(settings: Settings, directory: string): Promise<void> {
  requireReadableFolder(directory);
  const catalog = openForWriting(settings.paths.database, { role: 'watch' });
  try {
    const log = createLogger({ level: 'warn', name: 'backfill' });
    await admitDirectory({ ...settings, paths: { ...settings.paths, input: directory } }, catalog.database, log);
  } finally {
    catalog.close();
  }
}

function everyGroup(pageAfter: (after: string | null) => BackfillGroup[]): BackfillGroup[] {
  const groups: BackfillGroup[] = [];
  for (;;) {
    const page = pageAfter(groups.at(-1)?.groupId ?? null);
    groups.push(...page);
    if (page.length < PAGE) return groups;
  }
}

function showPlan(output: Output, groups: readonly BackfillGroup[], input: BackfillInput): void {
  const rows = groups.map((group) => {
    const plan = planBackfill(group, input.force);
    return {
      groupId: group.groupId,
      state: group.state,
      files: group.files,
      plan: plan.kind,
      why: plan.kind === 'skip' ? plan.why : plan.runReason,
    };
  });
  const starts = rows.filter(({ plan }) => plan === 'start').length;
  output.result({ range: input.range, groups: rows }, [
    ...table(
      ['GROUP', 'STATE', 'FILES', 'PLAN', 'WHY'],
      rows.map((row) => [row.groupId, row.state, String(row.files), row.plan, row.why ?? '']),
    ),
    `${starts} of ${rows.length} groups would be started, ${input.window} at once in lane ${input.lane}; nothing was`,
  ]);
}

const noGroup = (range: string): CommandError =>
  new CommandError(EXIT.notFound, {
    code: 'no_group',
    detail: `no group of the product database starts in ${range}`,
    remedy: 'admit the files first, with --input-dir or a watcher; `contimg group ls` lists the groups there are',
  });
