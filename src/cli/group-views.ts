/** `contimg group ls` and `contimg group show`: read from the product database, so they work while Temporal is down. */
import { Command } from 'commander';
import { asking, type CatalogDatabase, openForReading } from '../catalog/database.ts';
import { type GroupRow, groupById, listGroups } from '../catalog/groups.ts';
import { resolveGroup } from '../catalog/group-aliases.ts';
import { nearestGroups } from '../catalog/nearest-groups.ts';
import { lackingOfGroup } from '../catalog/ms-index.ts';
import { productsOf } from '../catalog/products.ts';
import { type RerunRow, rerunsOf } from '../catalog/reruns.ts';
import { attemptsOf } from '../catalog/step-attempts.ts';
import { groupStateSchema } from '../domain/group-state.ts';
import { EXIT } from './exit-codes.ts';
import { addLocalOptions, localSettings, wantsJson } from './local-options.ts';
import { createOutput, table } from './output.ts';
import { CommandError, usageError } from './problem.ts';

export function groupListCommand(): Command {
  const command = new Command('ls')
    .description('groups, newest first')
    .option('--state <state>', 'only groups in this state')
    .option('--limit <n>', 'at most so many', '50')
    .addHelpText('after', '\nExample:\n  contimg group ls --state needs_attention\n\nExit codes: 0 done, 9 database, 64 usage');
  return addLocalOptions(command).action((options) => {
    const output = createOutput(wantsJson(command));
    const state = options['state'] === undefined ? undefined : groupStateSchema.safeParse(options['state']);
    if (state?.success === false)
      throw usageError(`no state "${String(options['state'])}"`, `use one of ${groupStateSchema.options.join(', ')}`);
    const limit = Number(options['limit']);
    if (!Number.isInteger(limit) || limit < 1) throw usageError('--limit takes a number above 0', 'for example --limit 20');
    withDatabase(localSettings(command).paths.database, (database) => {
      const { groups, total } = listGroups(database, { limit, state: state?.data });
      const rows = groups.map((group) => [
        group.group_id,
        group.state,
        group.step ?? '-',
        `${group.present_subbands.length}/${group.expected_subbands}`,
        group.degraded_reasons.join(',') || '-',
        group.error_code ?? group.waiting_for ?? '-',
      ]);
      const footer = total > groups.length ? [`… ${total - groups.length} more: --limit ${total}`] : [];
      output.result({ groups, total }, [...table(['GROUP', 'STATE', 'STEP', 'FILES', 'DEGRADED', 'WHY'], rows), ...footer]);
    });
  });
}

export function groupShowCommand(): Command {
  const command = new Command('show')
    .description('one group: state, attempts with measured durations, products')
    .argument('<id>', 'group id, or the time in a member file name')
    .addHelpText('after', '\nExample:\n  contimg group show 2025-10-02T00:05:18\n\nExit codes: 0 done, 9 database, 13 not found');
  return addLocalOptions(command).action((id: string) => {
    const output = createOutput(wantsJson(command));
    withDatabase(localSettings(command).paths.database, (database) => {
      const group = groupNamed(database, id);
      const attempts = attemptsOf(database, group.group_id);
      const products = productsOf(database, group.group_id);
      const reruns = rerunsOf(database, group.group_id);
      const runs = [...new Set(attempts.map((attempt) => attempt.run_id))];
      const attemptRows = attempts.map((attempt) => [
        String(runs.indexOf(attempt.run_id) + 1),
        attempt.step,
        String(attempt.attempt),
        attempt.outcome,
        attempt.wall_s === null ? '-' : `${attempt.wall_s.toFixed(1)} s`,
        attempt.error_code ?? attempt.note ?? '',
      ]);
      output.result({ group, attempts, products, reruns }, [
        ...headLines(group, lackingOfGroup(database, group.group_id)),
        ...reruns.map(rerunLine),
        '',
        ...table(['RUN', 'STEP', 'TRY', 'OUTCOME', 'WALL', 'NOTE'], attemptRows),
        '',
        ...table(
          ['PRODUCT', 'STATUS', 'PATH'],
          products.map((product) => [product.kind, product.status, product.path]),
        ),
      ]);
    });
  });
}

function headLines(group: GroupRow, lacking: readonly string[]): string[] {
  const failure = [`failed     ${group.failed_step}: ${group.error_code}: ${group.error_message}`, `remedy     ${group.error_remedy}`];
  const next = `next       contimg group resume ${group.group_id} --reason "..." [--set KEY=VALUE]`;
  return [
    `group      ${group.group_id}  (${group.lane}, run ${group.run_number}, Dec ${group.dec_deg.toFixed(3)}°)`,
    `state      ${group.state}${group.step === null ? '' : `, step ${group.step}`}${group.host === null ? '' : ` on ${group.host}`}`,
    `subbands   ${group.present_subbands.length} of ${group.expected_subbands}`,
    ...(group.degraded_reasons.length === 0 ? [] : [`degraded   ${[...group.degraded_reasons, ...lacking].join('; ')}`]),
    ...(group.waiting_for === null ? [] : [`waits for  ${group.waiting_for}`]),
    ...(group.error_code === null ? [] : failure),
    ...(group.state === 'needs_attention' ? [next] : []),
  ];
}

const rerunLine = (rerun: RerunRow): string =>
  `rerun      ${rerun.status} from ${rerun.from_step}: ${rerun.reason}${rerun.answer === null ? '' : ` (${rerun.answer})`}`;

export const withDatabase = <Result>(path: string, work: (database: CatalogDatabase) => Result): Result =>
  asking(() => openForReading(path), work);

export function groupNamed(database: CatalogDatabase, name: string): GroupRow {
  const resolved = resolveGroup(database, name);
  if (resolved.kind === 'ambiguous') {
    throw new CommandError(EXIT.conflict, {
      code: 'ambiguous_group',
      detail: `${name} is a name of two groups: ${resolved.groupIds.join(', ')}`,
      remedy: 'use one of these ids',
    });
  }
  const group = resolved.kind === 'found' ? groupById(database, resolved.groupId) : null;
  if (group === null) throw notFound(name, nearestGroups(database, name));
  return group;
}

const notFound = (name: string, near: readonly string[]): CommandError =>
  new CommandError(EXIT.notFound, {
    code: 'unknown_group',
    detail: `no group ${name}`,
    remedy: near.length === 0 ? 'the database holds no group yet' : `the nearest are ${near.join(', ')}; \`contimg group ls\` lists all`,
  });
