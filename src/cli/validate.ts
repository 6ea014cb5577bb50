/**
 * `contimg validate ID`: judges every member of a group as it lies on disk now. Changes nothing; exit 5 when a member is not
 * valid.
 */
import { Command } from 'commander';
import { openForReading } from '../catalog/database.ts';
import { validateGroup, validationLines } from '../ingest/group-validation.ts';
import { deepCheck, percent } from '../library/deep-check.ts';
import { hostOf } from '../library/host.ts';
import { createLogger } from '../telemetry/log.ts';
import { EXIT } from './exit-codes.ts';
import { groupNamed } from './group-views.ts';
import { addLocalOptions, localSettings, wantsJson } from './local-options.ts';
import { createOutput } from './output.ts';

export function validateCommand(): Command {
  const command = new Command('validate')
    .description('judge every raw file of a group: header, size, times, frequencies')
    .argument('<id>', 'group id, or the time in a member file name')
    .option('--deep', 'read all data, too', false)
    .addHelpText(
      'after',
      '\nExample:\n  contimg validate 2025-10-02T00:05:18 --deep\n\nExit codes: 0 all valid, 5 some are not, 9 database, 10 subprocess, 13 not found',
    );
  return addLocalOptions(command).action(async (id: string, options) => {
    const settings = localSettings(command);
    const output = createOutput(wantsJson(command));
    const database = openForReading(settings.paths.database);
    try {
      const group = groupNamed(database, id);
      const shallow = await validateGroup(database, group, settings);
      const stopping = new AbortController();
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort(new Error(`stopped by ${signal}`)));
      const deep =
        options['deep'] === true
          ? await deepCheck(hostOf(settings, createLogger({ level: 'warn', name: 'validate' })), shallow, {
              signal: stopping.signal,
              progress: (line) => void process.stderr.write(`${line}\n`),
            })
          : null;
      const validation = deep ?? shallow;
      const finite = deep?.members.flatMap(({ finiteFraction }) => (finiteFraction === null ? [] : [finiteFraction])) ?? [];
      const { members, missing } = validation;
      const good = members.filter(({ valid }) => valid).length;
      output.result(validation, [
        ...validationLines(validation),
        ...(finite.length === 0 ? [] : [`least finite: ${percent(Math.min(...finite))} of the samples of a file`]),
        `${group.group_id}: ${good} valid, ${members.length - good} invalid, ${missing.length} of ${settings.collecting.expected} subbands without a valid file`,
      ]);
      process.exitCode = validation.valid ? EXIT.done : EXIT.validation;
    } finally {
      database.close();
    }
  });
}
