/**
 * `contimg lineage KIND/ID`: from a light-curve point back to the raw files and their hashes, or forward to all that was made
 * from something. Reads the product database only, so it works while the pipeline is down.
 */
import { Command } from 'commander';
import type { CatalogDatabase } from '../catalog/database.ts';
import type { LineageNode } from '../catalog/lineage-node.ts';
import { type Lineage, walkLineage } from '../catalog/lineage-walk.ts';
import { LINEAGE_KINDS, type LineageDirection, type LineageRef, keyOfRef } from '../domain/lineage.ts';
import { EXIT } from './exit-codes.ts';
import { groupNamed, withDatabase } from './group-views.ts';
import { addLocalOptions, localSettings, wantsJson } from './local-options.ts';
import { createOutput } from './output.ts';
import { CommandError, usageError } from './problem.ts';

export function lineageCommand(): Command {
  const command = new Command('lineage')
    .description('what something was made from, down to raw file hashes, or what was made from it')
    .argument('<kind/id>', `one of ${LINEAGE_KINDS.join(', ')}, and its number or, for a group, its id`)
    .option('--up', 'what it was made from (the default)', false)
    .option('--down', 'what was made from it', false)
    .addHelpText(
      'after',
      '\nExamples:\n  contimg lineage point/1\n  contimg lineage group/2025-10-02T00:05:18 --down\n\nNumbers are those of the product database; `contimg lightcurve NAME --json` gives those of points.\n\nExit codes: 0 done, 9 database, 13 not found, 64 usage',
    );
  return addLocalOptions(command).action((name: string, options) => {
    const output = createOutput(wantsJson(command));
    if (options['up'] === true && options['down'] === true) throw usageError('--up and --down are asked for', 'take one at a time');
    const direction: LineageDirection = options['down'] === true ? 'down' : 'up';
    withDatabase(localSettings(command).paths.database, (database) => {
      const start = refNamed(database, name);
      const lineage = walkLineage(database, start, direction);
      if (lineage === null) throw unknown(start);
      if (lineage.left_out > 0) output.warn(`${lineage.left_out} more lead on and are left out: the newest are shown`);
      output.result(lineage, tree(lineage, keyOfRef(start), direction));
    });
  });
}

function refNamed(database: CatalogDatabase, name: string): LineageRef {
  const slash = name.indexOf('/');
  const kind = LINEAGE_KINDS.find((one) => one === name.slice(0, slash));
  const id = name.slice(slash + 1);
  if (kind === undefined) throw usageError(`"${name}" is not KIND/ID`, `KIND is one of ${LINEAGE_KINDS.join(', ')}`);
  if (kind === 'group') return { kind, id: groupNamed(database, id).group_id };
  if (!/^[1-9]\d*$/.test(id)) throw usageError(`${kind} takes a number, not "${id}"`, `for example ${kind}/1`);
  return { kind, id };
}

const unknown = ({ kind, id }: LineageRef): CommandError =>
  new CommandError(EXIT.notFound, {
    code: 'unknown_thing',
    detail: `there is no ${kind} ${id}`,
    remedy: '`contimg group show ID` lists products; `contimg lightcurve NAME --json` gives points and images',
  });

function tree(lineage: Lineage, root: string, direction: LineageDirection): string[] {
  const nodes = new Map(lineage.nodes.map((node) => [node.key, node]));
  const children = Map.groupBy(lineage.edges, ({ from, to }) => (direction === 'up' ? from : to));
  const shown = new Set<string>();
  const walk = (key: string, indent: string): string[] => {
    const node = nodes.get(key);
    if (node === undefined) return [];
    if (shown.has(key)) return [`${indent}${key}  (above)`];
    shown.add(key);
    const below = (children.get(key) ?? []).flatMap(({ from, to }) => walk(direction === 'up' ? to : from, `${indent}  `));
    return [...linesOf(node, indent), ...below];
  };
  return walk(root, '');
}

function linesOf(node: LineageNode, indent: string): string[] {
  const { parameters, software, hash, path } = node;
  const more = [
    ...(path === null ? [] : [path]),
    ...(hash === null ? [] : [`hash ${hash}`]),
    ...(node.kind === 'point' ? [fluxInWords(node)] : []),
    ...node.attempts.map(
      ({ step, attempt, outcome, host, parameters_digest: digest }) =>
        `${step}, try ${attempt}: ${outcome}${host === null ? '' : ` on ${host}`}, parameters ${digest}`,
    ),
    ...(parameters === null || Object.keys(parameters).length === 0 ? [] : [`parameters ${JSON.stringify(parameters)}`]),
    ...(software === null
      ? []
      : [
          `software ${Object.entries(software)
            .map((entry) => entry.join(' '))
            .join(', ')}`,
        ]),
  ];
  return [
    `${indent}${node.key}  ${node.label}${node.status === null ? '' : `  ${node.status}`}`,
    ...more.map((line) => `${indent}    ${line}`),
  ];
}

function fluxInWords({ facts }: LineageNode): string {
  const said = (name: string): string => JSON.stringify(facts[name]);
  const measured = `${said('flux_jy')} ± ${said('error_jy')} Jy as measured`;
  return facts['flux_scale'] === null
    ? `${measured}; no common flux scale: ${String(facts['scale_note'])}`
    : `${measured}; flux scale of its image ${said('flux_scale')} from ${said('scale_references')} sources`;
}
