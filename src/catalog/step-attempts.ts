/** Every attempt at a step, once, with what it cost. Rows are never changed: a second try is a second row. */
import { z } from 'zod';
import type { StepAttempt } from '../domain/catalog-command.ts';
import { FAILURE_TYPES } from '../domain/failure.ts';
import { stepNameSchema } from '../domain/step.ts';
import { type CatalogDatabase, jsonColumn, rowOf, rowsOf, runSql } from './statement.ts';

export const stepAttemptRow = z.object({
  id: z.int(),
  group_id: z.string(),
  run_id: z.string(),
  step: stepNameSchema,
  attempt: z.int(),
  host: z.string().nullable(),
  started_at: z.string(),
  ended_at: z.string(),
  outcome: z.enum(['done', 'skipped', 'failed', 'cancelled']),
  note: z.string().nullable(),
  error_type: z.enum(FAILURE_TYPES).nullable(),
  error_code: z.string().nullable(),
  message: z.string().nullable(),
  remedy: z.string().nullable(),
  capsule_path: z.string().nullable(),
  parameters_digest: z.string(),
  wall_s: z.number().nullable(),
  cpu_s: z.number().nullable(),
  max_rss_bytes: z.int().nullable(),
  bytes_read: z.int().nullable(),
  bytes_written: z.int().nullable(),
  timings_s: jsonColumn(z.record(z.string(), z.number())).nullable(),
});
export type StepAttemptRow = z.infer<typeof stepAttemptRow>;

/** Told again, nothing happens; another attempt under the same number is a mistake of the caller. */
export function insertAttempt(database: CatalogDatabase, attempt: StepAttempt): void {
  const { failure, resources } = attempt;
  runSql(
    database,
    `INSERT INTO step_attempts (group_id, run_id, step, attempt, host, started_at, ended_at, outcome, note, error_type, error_code,
       message, remedy, capsule_path, parameters_digest, wall_s, cpu_s, max_rss_bytes, bytes_read, bytes_written, timings_s)
     VALUES (:groupId, :runId, :step, :attempt, :host, :startedAt, :endedAt, :outcome, :note, :errorType, :errorCode,
       :message, :remedy, :capsulePath, :parametersDigest, :wallS, :cpuS, :maxRssBytes, :bytesRead, :bytesWritten, :timingsS)
     ON CONFLICT (run_id, step, attempt) DO NOTHING`,
    {
      groupId: attempt.groupId,
      runId: attempt.runId,
      step: attempt.step,
      attempt: attempt.attempt,
      host: attempt.host,
      startedAt: attempt.startedAt,
      endedAt: attempt.endedAt,
      outcome: attempt.outcome,
      note: attempt.note,
      errorType: failure?.type ?? null,
      errorCode: failure?.code ?? null,
      message: failure?.message ?? null,
      remedy: failure?.remedy ?? null,
      capsulePath: failure?.capsulePath ?? null,
      parametersDigest: attempt.parametersDigest,
      wallS: resources?.wallS ?? null,
      cpuS: resources?.cpuS ?? null,
      maxRssBytes: wholeOrNull(resources?.maxRssBytes ?? null),
      bytesRead: wholeOrNull(attempt.bytesRead),
      bytesWritten: wholeOrNull(attempt.bytesWritten),
      timingsS: attempt.timingsS === null ? null : JSON.stringify(attempt.timingsS),
    },
  );
  const { runId, step } = attempt;
  const kept = rowOf(database, stepAttemptRow, `${SELECT} WHERE run_id = :runId AND step = :step AND attempt = :attempt`, {
    runId,
    step,
    attempt: attempt.attempt,
  });
  if (kept?.started_at !== attempt.startedAt) {
    throw new Error(`attempt ${attempt.attempt} of ${step} in run ${runId} is recorded already, started at ${kept?.started_at}`);
  }
}

const SELECT = `SELECT ${Object.keys(stepAttemptRow.shape).join(', ')} FROM step_attempts`;
const wholeOrNull = (value: number | null): number | null => (value === null ? null : Math.round(value));

/** All runs, oldest first. */
export const attemptsOf = (database: CatalogDatabase, groupId: string): StepAttemptRow[] =>
  rowsOf(database, stepAttemptRow, `${SELECT} WHERE group_id = :groupId ORDER BY started_at, id`, { groupId });
