/**
 * Every error a command can end in, as one problem with a code, the fact, a remedy and the exit code. What is not known
 * here is a bug and says so.
 */
import { CatalogUnavailable } from '../catalog/database.ts';
import { WriterLocked } from '../catalog/writer-lock.ts';
import { SettingsError } from '../config/settings-error.ts';
import { type FailureType, StepError } from '../domain/failure.ts';
import { systemErrorCode } from '../domain/system-error.ts';
import { TemporalCliMissing, TemporalUnreachable, GroupRequestError, type GroupRequestCode } from '../temporal/temporal-errors.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';

export interface Problem {
  code: string;
  detail: string;
  remedy: string;
}

/** Thrown by commands for what only they know. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exitCode: ExitCode;
  readonly problem: Problem;
  constructor(exitCode: ExitCode, problem: Problem) {
    super(problem.detail);
    this.exitCode = exitCode;
    this.problem = problem;
  }
}

export const usageError = (detail: string, remedy: string): CommandError => new CommandError(EXIT.usage, { code: 'usage', detail, remedy });

const EXIT_OF_REQUEST: Readonly<Record<GroupRequestCode, ExitCode>> = {
  unknown_group: EXIT.notFound,
  not_waiting: EXIT.conflict,
  already_completed: EXIT.conflict,
  invalid_step: EXIT.usage,
  invalid_parameters: EXIT.usage,
  invalid_request: EXIT.usage,
  worker_unavailable: EXIT.temporalUnreachable,
  temporal_unreachable: EXIT.temporalUnreachable,
};

const EXIT_OF_FAILURE: Readonly<Record<FailureType, ExitCode>> = {
  BadInput: EXIT.inputOutput,
  NotSettled: EXIT.inputOutput,
  NoSpace: EXIT.resource,
  ToolFailed: EXIT.subprocess,
  ToolKilled: EXIT.subprocess,
  Timeout: EXIT.timeLimit,
  QualityRejected: EXIT.validation,
  NoCalibration: EXIT.calibration,
  HostLost: EXIT.subprocess,
  Conflict: EXIT.conflict,
  Bug: EXIT.bug,
};

const FILE_ERRORS = new Set(['ENOENT', 'EACCES', 'EPERM', 'EROFS', 'EISDIR', 'ENOTDIR', 'EIO']);

const of = (exitCode: ExitCode, code: string, known: { message: string; remedy: string }) => ({
  exitCode,
  problem: { code, detail: known.message, remedy: known.remedy },
});

export function problemOf(error: unknown): { exitCode: ExitCode; problem: Problem } {
  if (error instanceof CommandError) return { exitCode: error.exitCode, problem: error.problem };
  if (error instanceof SettingsError) return of(EXIT.usage, 'invalid_settings', error);
  if (error instanceof TemporalUnreachable) return of(EXIT.temporalUnreachable, 'temporal_unreachable', error);
  if (error instanceof TemporalCliMissing) return of(EXIT.temporalUnreachable, 'temporal_cli_missing', error);
  if (error instanceof GroupRequestError) return of(EXIT_OF_REQUEST[error.code], error.code, error);
  if (error instanceof CatalogUnavailable) return of(EXIT.database, 'catalog_unavailable', error);
  if (error instanceof WriterLocked) return of(EXIT.conflict, 'writer_locked', error);
  if (error instanceof StepError) {
    const { type, code, message, remedy } = error.failure;
    return of(EXIT_OF_FAILURE[type], code, { message, remedy });
  }
  const message = error instanceof Error ? error.message : String(error);
  const code = systemErrorCode(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') return of(EXIT.resource, code, { message, remedy: 'free space on the file system it names' });
  if (code !== null && FILE_ERRORS.has(code)) return of(EXIT.inputOutput, code, { message, remedy: 'look at the path it names' });
  return of(EXIT.bug, 'bug', { message, remedy: 'this is a bug in contimg: run again with --log-level debug and report it' });
}
