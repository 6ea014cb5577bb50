/** `contimg schedule apply`: makes Temporal's Schedules what the pipeline needs. `contimg up` does the same at its start. */
import { Command } from 'commander';
import { connectClient } from '../temporal/connection.ts';
import { applySchedules, wantedSchedules } from '../temporal/schedules.ts';
import { addLocalOptions, localSettings, wantsJson } from './local-options.ts';
import { createOutput, table } from './output.ts';

export function scheduleCommand(): Command {
  return new Command('schedule').description('what the pipeline does by the clock').addCommand(applyCommand());
}

function applyCommand(): Command {
  const command = new Command('apply')
    .description('make or update the schedules; a paused one stays paused')
    .option('--dry-run', 'say what would be made or updated', false)
    .addHelpText('after', '\nExample:\n  contimg schedule apply --dry-run\n\nExit codes: 0 done, 11 Temporal not reachable');
  return addLocalOptions(command).action(async (options) => {
    const output = createOutput(wantsJson(command));
    const settings = localSettings(command);
    if (options['dryRun'] === true) {
      const wanted = wantedSchedules(settings).map(({ scheduleId: id, does }) => ({ id, does }));
      output.result(
        { wanted },
        table(
          ['SCHEDULE', 'DOES'],
          wanted.map(({ id, does }) => [id, does]),
        ),
      );
      return;
    }
    const client = await connectClient(settings);
    try {
      const applied = await applySchedules(client, settings);
      const rows = applied.map(({ id, action, isPaused, does }) => [id, isPaused ? `${action}, paused` : action, does]);
      output.result({ applied }, table(['SCHEDULE', 'NOW', 'DOES'], rows));
    } finally {
      await client.connection.close();
    }
  });
}
