/**
 * `contimg candidates`: the sources whose variability is worth a look, and what people say of them. `ls` reads the product
 * database, so it works while the pipeline is down; `set` needs the worker that writes.
 */
import { randomUUID } from 'node:crypto';
import { userInfo } from 'node:os';
import { Command } from 'commander';
import { type CandidateListing, candidateById, listCandidates } from '../catalog/candidates.ts';
import { CANDIDATE_STATUSES, type CandidateStatus } from '../domain/candidate.ts';
import { reasonSchema } from '../domain/operator-request.ts';
import { isoFromUnixMs, mjdToUnixMs } from '../domain/utc.ts';
import { decideCandidate } from '../temporal/candidate-client.ts';
import { connectClient } from '../temporal/connection.ts';
import { EXIT } from './exit-codes.ts';
import { withDatabase } from './group-views.ts';
import { positiveInteger } from './instant.ts';
import { addLocalOptions, localSettings, wantsJson } from './local-options.ts';
import { createOutput, table } from './output.ts';
import { CommandError, usageError } from './problem.ts';

export function candidatesCommand(): Command {
  return new Command('candidates')
    .description('sources that vary like an extreme scattering event or a flare')
    .addCommand(listCommand())
    .addCommand(setCommand());
}

function listCommand(): Command {
  const command = new Command('ls')
    .description('candidates, highest score first')
    .option('--status <status>', `only these: ${CANDIDATE_STATUSES.join(', ')}`)
    .addHelpText('after', '\nExample:\n  contimg candidates ls --status new\n\nExit codes: 0 done, 9 database, 64 usage');
  return addLocalOptions(command).action((options) => {
    const output = createOutput(wantsJson(command));
    const status = options['status'] === undefined ? null : statusNamed(options['status']);
    const candidates = withDatabase(localSettings(command).paths.database, (database) => listCandidates(database, status));
    const next = candidates.find((candidate) => candidate.status === 'new');
    output.result({ candidates }, [
      ...(candidates.length === 0 ? ['no candidates'] : table(HEADER, candidates.map(rowOf))),
      ...(next === undefined
        ? []
        : ['', `look: contimg lightcurve ${next.name}`, `judge: contimg candidates set ${next.id} confirmed --reason "..."`]),
    ]);
  });
}

const HEADER = ['ID', 'SOURCE', 'STATUS', 'SCORE', 'SHAPE', 'VS', 'M', 'POINTS', 'HIGHEST', 'LOWEST', 'NOTE'];

const rowOf = (candidate: CandidateListing): string[] => [
  String(candidate.id),
  candidate.name,
  candidate.status,
  candidate.ese_score?.toFixed(1) ?? '-',
  candidate.ese_shape ?? '-',
  candidate.two_epoch_vs?.toFixed(1) ?? '-',
  candidate.two_epoch_m?.toFixed(2) ?? '-',
  String(candidate.n ?? 0),
  dayOf(candidate.high_mjd),
  dayOf(candidate.low_mjd),
  candidate.note === null ? '' : `${candidate.decided_by}: ${candidate.note}`,
];

const dayOf = (mjd: number | null): string => (mjd === null ? '-' : isoFromUnixMs(mjdToUnixMs(mjd)).slice(0, 16));

function setCommand(): Command {
  const command = new Command('set')
    .description('say what a candidate is')
    .argument('<id>', 'number in column ID')
    .argument('<status>', CANDIDATE_STATUSES.join(', '))
    .requiredOption('--reason <text>', 'why, 8 to 500 characters')
    .addHelpText(
      'after',
      '\nExample:\n  contimg candidates set 3 rejected --reason "side lobe of a bright source"\n\nExit codes: 0 done, 9 database, 11 no worker or no Temporal to write, 13 no such candidate, 64 usage',
    );
  return addLocalOptions(command).action(async (number: string, word: string, options) => {
    const output = createOutput(wantsJson(command));
    const candidateId = positiveInteger('candidate', number);
    const status = statusNamed(word);
    const reason = reasonSchema.safeParse(options['reason']);
    if (!reason.success) throw usageError('--reason takes 8 to 500 characters', 'say what you saw');
    const settings = localSettings(command);
    const read = (): CandidateListing | null => withDatabase(settings.paths.database, (database) => candidateById(database, candidateId));
    if (read() === null) throw unknownCandidate(candidateId);
    const client = await connectClient(settings);
    try {
      const decision = {
        candidateId,
        status,
        by: userInfo().username,
        via: 'cli' as const,
        reason: reason.data,
        requestId: `job/${randomUUID()}`,
      };
      if (!(await decideCandidate(client, decision))) throw unknownCandidate(candidateId);
      const candidate = read();
      output.result({ candidate }, [
        `candidate ${candidateId}, ${candidate?.name}: ${candidate?.status} · ${candidate?.decided_by}: ${candidate?.note}`,
      ]);
    } finally {
      await client.connection.close();
    }
  });
}

function statusNamed(word: unknown): CandidateStatus {
  const status = CANDIDATE_STATUSES.find((known) => known === word);
  if (status === undefined) throw usageError(`no status "${String(word)}"`, `use one of ${CANDIDATE_STATUSES.join(', ')}`);
  return status;
}

const unknownCandidate = (id: number): CommandError =>
  new CommandError(EXIT.notFound, {
    code: 'unknown_candidate',
    detail: `there is no candidate ${id}`,
    remedy: '`contimg candidates ls` lists them; one that nobody judged goes when its points no longer support it',
  });
