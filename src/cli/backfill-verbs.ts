/** `contimg backfill status|pause|continue|stop RANGE`: what a person asks of a backfill that runs. */
import { userInfo } from 'node:os';
import type { Client } from '@temporalio/client';
import { Command } from 'commander';
import { BACKFILL_SIGNALS, type BackfillProgress, backfillRange } from '../domain/backfill.ts';
import { askBackfill, backfillProgress, type BackfillRefusal, BackfillRequestError } from '../temporal/backfill-client.ts';
import { connectClient } from '../temporal/connection.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { instant } from './instant.ts';
import { addLocalOptions, localSettings, wantsJson } from './local-options.ts';
import { createOutput, type Output } from './output.ts';
import { CommandError, usageError } from './problem.ts';

const VERBS = {
  pause: 'start no more groups; those in work go on',
  continue: 'go on after a pause',
  stop: 'end it; groups in work go on by themselves',
} as const satisfies Record<keyof typeof BACKFILL_SIGNALS, string>;

export function backfillVerbs(): Command[] {
  const status = new Command('status').description('how far a backfill is').argument('<range>', 'START..END, as it was printed');
  addLocalOptions(status).action((range: string) =>
    withBackfill(status, range, async (client, name, output) => show(output, await backfillProgress(client, name))),
  );
  const asking = [BACKFILL_SIGNALS.pause, BACKFILL_SIGNALS.continue, BACKFILL_SIGNALS.stop].map((verb) => {
    const command = new Command(verb)
      .description(VERBS[verb])
      .argument('<range>', 'START..END, as it was printed')
      .option('--reason <text>', 'why', 'no reason given');
    return addLocalOptions(command).action((range: string, options) =>
      withBackfill(command, range, async (client, name, output) => {
        await askBackfill(client, name, verb, { by: userInfo().username, reason: String(options['reason']) });
        output.result({ range: name, asked: verb }, [`asked ${name} to ${verb}; see: contimg backfill status ${name}`]);
      }),
    );
  });
  return [status, ...asking].map((command) =>
    command.addHelpText('after', '\nExit codes: 0 done, 11 Temporal not reachable, 13 no such backfill, 64 usage'),
  );
}

async function withBackfill(
  command: Command,
  range: string,
  act: (client: Client, name: string, output: Output) => Promise<void>,
): Promise<void> {
  const [start, end, ...more] = range.split('..');
  if (start === undefined || end === undefined || more.length > 0)
    throw usageError(`"${range}" is not START..END`, 'for example 2025-10-02T00:00:00..2025-10-03T00:00:00');
  const name = backfillRange({ startMs: instant(start), endMs: instant(end) });
  // Options before the verb belong to the command above it.
  const client = await connectClient(localSettings(command));
  try {
    await withBackfillProblems(() => act(client, name, createOutput(wantsJson(command))));
  } finally {
    await client.connection.close();
  }
}

function show(output: Output, progress: BackfillProgress): void {
  const { range, state, stateReason, found, skipped, started, joined, completed, failed, cancelled, needsAttention, open, window } =
    progress;
  const left = Object.entries(skipped).map(([why, count]) => `${count} ${why.replaceAll('_', ' ')}`);
  output.result(progress, [
    `${range} is ${state}${stateReason === null ? '' : ` (${stateReason})`}`,
    `${found} groups looked at: ${started} started, ${joined} in work already, ${left.length === 0 ? 'none left out' : `left out: ${left.join(', ')}`}`,
    `${completed} completed, ${failed} failed, ${cancelled} cancelled, ${needsAttention.length} wait for a person, ${open.length} of ${window} places taken`,
    ...needsAttention.map((groupId) => `  contimg group show ${groupId}`),
  ]);
}

const EXIT_OF_REFUSAL: Readonly<Record<BackfillRefusal, ExitCode>> = {
  backfill_runs: EXIT.conflict,
  unknown_backfill: EXIT.notFound,
  worker_unavailable: EXIT.temporalUnreachable,
};

export async function withBackfillProblems<Answer>(work: () => Promise<Answer>): Promise<Answer> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof BackfillRequestError)) throw error;
    throw new CommandError(EXIT_OF_REFUSAL[error.code], { code: error.code, detail: error.message, remedy: error.remedy });
  }
}
