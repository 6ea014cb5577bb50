/**
 * `contimg group reprocess`, `upgrade` and `lane`: run a group again from a step, in lane `reprocess`, or change whose turn it
 * is. `--dry-run` says what would be made anew and what would become stale, and changes nothing.
 */
import { randomUUID } from 'node:crypto';
import { userInfo } from 'node:os';
import { Command } from 'commander';
import type { CatalogDatabase } from '../catalog/database.ts';
import type { GroupRow } from '../catalog/groups.ts';
import { completenessOfGroup } from '../catalog/ms-index.ts';
import { impactOfRerun, type RerunImpact } from '../catalog/reruns.ts';
import { membersOf } from '../catalog/subband-files.ts';
import { describeLacking, fillsGap } from '../domain/degradation.ts';
import { isOpen, laneSchema } from '../domain/group-state.ts';
import { type RerunStart, rerunStartOf, stepsOfRerun } from '../domain/rerun.ts';
import { STEP_NAMES } from '../domain/step.ts';
import { connectClient } from '../temporal/connection.ts';
import { setLane } from '../temporal/group-client.ts';
import { requestRerun } from '../temporal/rerun-request.ts';
import { EXIT } from './exit-codes.ts';
import { reasonFrom, reportGroup, stepNamed, withGroup } from './group-requests.ts';
import { groupNamed, withDatabase } from './group-views.ts';
import { addLocalOptions, localSettings, wantsJson } from './local-options.ts';
import { createOutput } from './output.ts';
import { CommandError, usageError } from './problem.ts';

const EXITS = '\n\nExit codes: 0 accepted, 11 Temporal not reachable, 13 not found, 14 not possible in its state, 64 refused';

export function groupReprocessCommand(): Command {
  const command = new Command('reprocess')
    .description('run a group again from a step; its new products supersede the old ones')
    .argument('<id>', 'group id, or the time in a member file name')
    .requiredOption('--from <step>', 'the first step done anew')
    .requiredOption('--reason <text>', 'why, 8 to 500 characters')
    .option('--dry-run', 'say what would happen, and change nothing', false)
    .addHelpText(
      'after',
      `\nExample:\n  contimg group reprocess 2025-10-02T00:05:18 --from calibrate --reason "better set" --dry-run${EXITS}`,
    );
  return addLocalOptions(command).action(async (id: string, options) => {
    const from = rerunStartOf(stepNamed(String(options['from'])));
    if (from === null) throw usageError('release makes nothing to run again', `use one of ${STEP_NAMES.slice(0, -1).join(', ')}`);
    await rerun(command, id, { from, reason: reasonFrom(options['reason']), dryRun: options['dryRun'] === true });
  });
}

export function groupUpgradeCommand(): Command {
  const command = new Command('upgrade')
    .description('run a degraded group again with the subbands that came after its conversion')
    .argument('<id>', 'group id, or the time in a member file name')
    .requiredOption('--reason <text>', 'why, 8 to 500 characters')
    .option('--dry-run', 'say what would happen, and change nothing', false)
    .addHelpText('after', `\nExample:\n  contimg group upgrade 2025-10-02T00:05:18 --reason "sb07 was copied by hand"${EXITS}`);
  return addLocalOptions(command).action((id: string, options) =>
    rerun(command, id, {
      from: 'collect',
      reason: reasonFrom(options['reason']),
      dryRun: options['dryRun'] === true,
      refuse: refuseUpgrade,
    }),
  );
}

export function groupLaneCommand(): Command {
  const command = new Command('lane')
    .description('move an open group to another lane; a step that runs goes on, one that waits for its turn changes the queue')
    .argument('<id>', 'group id, or the time in a member file name')
    .argument('<lane>', laneSchema.options.join(', '))
    .requiredOption('--reason <text>', 'why, 8 to 500 characters')
    .addHelpText('after', `\nExample:\n  contimg group lane 2025-10-02T00:05:18 ondemand --reason "needed for a telegram"${EXITS}`);
  return addLocalOptions(command).action((id: string, name: string, options) => {
    const lane = laneSchema.safeParse(name);
    if (!lane.success) throw usageError(`no lane "${name}"`, `use one of ${laneSchema.options.join(', ')}`);
    return withGroup(command, id, async (client, groupId, output) => {
      const request = { by: userInfo().username, reason: reasonFrom(options['reason']), lane: lane.data };
      reportGroup(output, await setLane(client, groupId, request));
    });
  });
}

interface Asked {
  from: RerunStart;
  reason: string;
  dryRun: boolean;
  /** Why this group cannot be run again so, or null. */
  refuse?: (database: CatalogDatabase, group: GroupRow) => string | null;
}

async function rerun(command: Command, id: string, asked: Asked): Promise<void> {
  const settings = localSettings(command);
  const output = createOutput(wantsJson(command));
  const { group, impact } = withDatabase(settings.paths.database, (database) => {
    const found = groupNamed(database, id);
    const refusal = refuseParked(found) ?? asked.refuse?.(database, found) ?? null;
    if (refusal !== null) throw notPossible(found, refusal);
    return { group: found, impact: impactOfRerun(database, found.group_id, asked.from) };
  });
  const plan = planLines(group, asked.from, impact);
  const result = { group_id: group.group_id, from: asked.from, dry_run: asked.dryRun, steps: stepsOfRerun(asked.from), ...impact };
  if (asked.dryRun) return output.result(result, [...plan, 'Nothing was changed (--dry-run).']);
  const client = await connectClient(settings);
  try {
    const by = userInfo().username;
    await requestRerun(client, settings, group, { requestId: randomUUID(), by, reason: asked.reason, from: asked.from });
  } finally {
    await client.connection.close();
  }
  const when = isOpen(group.state) ? 'It is taken up when the present run has ended.' : 'A new run was started in lane reprocess.';
  output.result(result, [...plan, when]);
}

function planLines(group: GroupRow, from: RerunStart, impact: RerunImpact): string[] {
  return [
    `${group.group_id} runs again from ${from}: ${stepsOfRerun(from).join(', ')}`,
    ...impact.supersedes.map(({ kind, path }) => `supersedes  ${kind}  ${path}`),
    ...impact.makesStale.map(({ group_id, path }) => `stale       image  ${path}; ${group_id} runs again from calibrate`),
  ];
}

const refuseParked = (group: GroupRow): string | null =>
  group.state === 'needs_attention' ? 'it waits for a person: use `contimg group resume`' : null;

function refuseUpgrade(database: CatalogDatabase, group: GroupRow): string | null {
  if (group.state !== 'completed') return `it is ${group.state}; only a completed group is upgraded`;
  const set = completenessOfGroup(database, group.group_id);
  if (set === null) return 'it has no Measurement Set';
  if (membersOf(database, group.group_id).some((file) => fillsGap(set.lacking, file, set.integrations))) return null;
  const lacking = describeLacking(set.lacking);
  return lacking.length === 0 ? 'it lacks nothing' : `no file has come for what it lacks: ${lacking.join('; ')}`;
}

const notPossible = (group: GroupRow, why: string): CommandError =>
  new CommandError(EXIT.conflict, {
    code: 'not_possible',
    detail: `group ${group.group_id} cannot be run again so: ${why}`,
    remedy: 'look at it with `contimg group show`',
  });
