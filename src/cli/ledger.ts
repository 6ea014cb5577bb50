/**
 * `contimg ledger`: expected against done, by day, and every hole with its reason. Read from the product database, so it
 * works while Temporal is down; only `--annotate` needs the worker that writes.
 */
import { randomUUID } from 'node:crypto';
import { userInfo } from 'node:os';
import { Command } from 'commander';
import type { CatalogDatabase } from '../catalog/database.ts';
import { rowById } from '../catalog/ledger.ts';
import { currentExpectation, type Expectation } from '../catalog/ledger-expectation.ts';
import { type Hole, type Interval, ledgerCounts, type LedgerCounts, ledgerHoles, newestExpected } from '../catalog/ledger-summary.ts';
import { reasonSchema } from '../domain/operator-request.ts';
import { isoFromUnixMs } from '../domain/utc.ts';
import { connectClient } from '../temporal/connection.ts';
import { annotateLedger } from '../temporal/ledger-client.ts';
import { EXIT } from './exit-codes.ts';
import { withDatabase } from './group-views.ts';
import { instant, positiveInteger } from './instant.ts';
import { addLocalOptions, localSettings, wantsJson } from './local-options.ts';
import { createOutput, type Output, table } from './output.ts';
import { CommandError, usageError } from './problem.ts';

const DAY_MS = 86_400_000;
const DAYS_SHOWN = 7;

export function ledgerCommand(): Command {
  const command = new Command('ledger')
    .description('expected against done, by day, and every hole with its reason')
    .option('--since <time>', `from here on; default the last ${DAYS_SHOWN} days of the ledger`)
    .option('--until <time>', 'up to here, exclusive')
    .option('--missing', 'only the holes', false)
    .option('--annotate <row>', 'explain a hole: the number in column ROW')
    .option('--reason <text>', 'with --annotate: the explanation, 8 to 500 characters')
    .addHelpText(
      'after',
      '\nExamples:\n  contimg ledger --since 2025-10-01\n  contimg ledger --annotate 412 --reason "correlator off for maintenance"\n\nExit codes: 0 done, 9 database, 11 no worker or no Temporal to write, 13 no such row, 64 usage',
    );
  return addLocalOptions(command).action(async (options) => {
    const output = createOutput(wantsJson(command));
    if (options['annotate'] !== undefined) return annotate(command, options['annotate'], options['reason'], output);
    if (options['reason'] !== undefined) throw usageError('--reason explains a row, and none is named', 'add --annotate ROW');
    withDatabase(localSettings(command).paths.database, (database) =>
      report(
        database,
        { since: written(options['since']), until: written(options['until']), onlyHoles: options['missing'] === true },
        output,
      ),
    );
  });
}

function report(
  database: CatalogDatabase,
  asked: { since: string | null; until: string | null; onlyHoles: boolean },
  output: Output,
): void {
  const interval = intervalOf(asked, newestExpected(database));
  const expectation = currentExpectation(database);
  const days = ledgerCounts(database, interval, 'day');
  const holes = ledgerHoles(database, interval);
  if (expectation?.schedule_problem != null) output.warn(`the pointing schedule is not used: ${expectation.schedule_problem}`);
  output.result({ expectation, ...interval, days: asked.onlyHoles ? [] : days, holes }, [
    inWords(expectation),
    ...(days.length === 0 ? [`nothing was expected or seen from ${interval.start} to ${interval.end}`] : []),
    ...(asked.onlyHoles || days.length === 0 ? [] : ['', ...dayTable(days)]),
    ...(days.length === 0 ? [] : ['', ...holeTable(holes)]),
  ]);
}

const written = (value: unknown): string | null => (typeof value === 'string' ? value : null);

function intervalOf({ since, until }: { since: string | null; until: string | null }, newest: string | null): Interval {
  const endMs = until === null ? (newest === null ? Date.now() : Date.parse(newest) + 1000) : instant(until);
  const startMs = since === null ? endMs - DAYS_SHOWN * DAY_MS : instant(since);
  if (startMs >= endMs) {
    throw usageError(`nothing lies between ${isoFromUnixMs(startMs)} and ${isoFromUnixMs(endMs)}`, 'give a --since before --until');
  }
  return { start: isoFromUnixMs(startMs), end: isoFromUnixMs(endMs) };
}

function inWords(expectation: Expectation | null): string {
  if (expectation === null) return 'No expectation yet: no worker with --catalog has looked; `contimg up` looks every minute';
  const { basis, cadence_s: cadenceS, cadence_from: from, is_expecting: isExpecting, planned_at: plannedAt } = expectation;
  const cadence = `one group every ${cadenceS.toFixed(3)} s (${from === 'headers' ? 'measured from headers' : 'nominal, not measured yet'})`;
  if (isExpecting) return `Expected: ${cadence}; looked at ${plannedAt}`;
  return basis.startsWith('needs')
    ? `No expectation yet: ${basis}`
    : `Nothing is expected now: ${basis}; ${cadence}; looked at ${plannedAt}`;
}

function dayTable(days: readonly LedgerCounts[]): string[] {
  const rows = days.map((day) => [day.from, ...[day.expected, day.done, day.degraded, day.skipped, day.missing, day.pending].map(String)]);
  return table(['DAY', 'EXPECTED', 'DONE', 'DEGRADED', 'SKIPPED', 'MISSING', 'PENDING'], rows);
}

function holeTable(holes: readonly Hole[]): string[] {
  if (holes.length === 0) return ['no holes'];
  const rows = holes.map((hole) => [
    String(hole.id),
    hole.expected_at,
    hole.range_end_at ?? '-',
    String(hole.groups),
    hole.outcome,
    hole.dec_deg === null ? '-' : `${hole.dec_deg.toFixed(2)}°`,
    hole.note === null ? hole.reason : `${hole.reason} · ${hole.noted_by}: ${hole.note}`,
  ]);
  const unexplained = holes.find((hole) => hole.note === null && hole.outcome === 'missing');
  const next = unexplained === undefined ? [] : ['', `explain one: contimg ledger --annotate ${unexplained.id} --reason "..."`];
  return [...table(['ROW', 'EXPECTED AT', 'UNTIL', 'GROUPS', 'OUTCOME', 'DEC', 'WHY'], rows), ...next];
}

async function annotate(command: Command, number: unknown, text: unknown, output: Output): Promise<void> {
  const rowId = positiveInteger('--annotate', number);
  const reason = reasonSchema.safeParse(text);
  if (!reason.success) throw usageError('--annotate needs --reason with 8 to 500 characters', 'say why nothing was recorded then');
  const settings = localSettings(command);
  const unknownRow = new CommandError(EXIT.notFound, {
    code: 'unknown_row',
    detail: `the ledger has no row ${rowId}`,
    remedy: '`contimg ledger --missing` lists the holes with their rows',
  });
  if (withDatabase(settings.paths.database, (database) => rowById(database, rowId)) === null) throw unknownRow;
  const client = await connectClient(settings);
  try {
    const by = userInfo().username;
    const isWritten = await annotateLedger(client, { rowId, by, via: 'cli', reason: reason.data, requestId: `job/${randomUUID()}` });
    if (!isWritten) throw unknownRow;
    const row = withDatabase(settings.paths.database, (database) => rowById(database, rowId));
    output.result({ row }, [`row ${rowId}, ${row?.expected_at}: ${row?.reason} · ${row?.noted_by}: ${row?.note}`]);
  } finally {
    await client.connection.close();
  }
}
