/** How a batch conversion ends: a line a group, the JSON document, and the exit code. */
import { renameSync, writeFileSync } from 'node:fs';
import type { WatchStatus } from '../ingest/watch-status.ts';
import type { Conversion } from '../library/foreground-conversion.ts';
import { snakeCased } from '../domain/spelling.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { type Output, table } from './output.ts';
import { CommandError } from './problem.ts';

export function batchResult(
  output: Output,
  batch: { engine: string; conversions: readonly Conversion[]; resultFile: unknown; signal: AbortSignal },
): ExitCode {
  const { conversions, engine } = batch;
  const result = { engine, groups: conversions };
  if (typeof batch.resultFile === 'string') {
    const partial = `${batch.resultFile}.partial`;
    writeFileSync(partial, `${JSON.stringify(snakeCased(result), null, 2)}\n`);
    renameSync(partial, batch.resultFile);
  }
  const rows = conversions.map(({ groupId, outcome, ms, reason }) => [groupId, outcome, ms ?? reason ?? '']);
  const remedies = conversions.flatMap(({ groupId, failure }) => (failure === null ? [] : [`${groupId}: ${failure.remedy}`]));
  output.result(result, [...table(['GROUP', 'OUTCOME', 'WHERE OR WHY'], rows), ...remedies]);
  return exitCodeOf(conversions, batch.signal);
}

function exitCodeOf(conversions: readonly Conversion[], signal: AbortSignal): ExitCode {
  if (signal.aborted) {
    const isTerm = signal.reason instanceof Error && signal.reason.message.includes('SIGTERM');
    return isTerm ? EXIT.terminated : EXIT.interrupted;
  }
  const bad = conversions.filter(({ ms }) => ms === null);
  if (bad.length === 0) return EXIT.done;
  if (bad.length < conversions.length) return EXIT.partly;
  return bad.every(({ failure }) => failure?.type === 'NoSpace') ? EXIT.resource : EXIT.conversion;
}

/** Nothing to convert: says what there is instead. */
export function noGroup(intervalText: string, input: string, seen: WatchStatus | null, known: readonly string[]): CommandError {
  const there =
    seen === null ? '' : `; ${input} holds ${seen.files_seen} entries, ${seen.incomplete} incomplete, ${seen.foreign} with other names`;
  const first = known[0];
  const last = known.at(-1);
  return new CommandError(EXIT.notFound, {
    code: 'no_group',
    detail: `no group for ${intervalText}${there}`,
    remedy:
      first === undefined
        ? 'raw files are named YYYY-MM-DDTHH:MM:SS_sbNN.hdf5 and lie directly in INPUT; times are UTC'
        : `the groups of this directory start between ${first} and ${last} (UTC)`,
  });
}
