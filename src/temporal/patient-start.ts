/**
 * A server that has just started, or comes back after a crash, refuses or lets requests time out for a while. Work that has to
 * succeed before anything else can is repeated until then; what no waiting mends is thrown at once.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isGrpcServiceError, ServiceError } from '@temporalio/client';
import type { Logger } from '../telemetry/log.ts';
import { TemporalUnreachable } from './temporal-errors.ts';

const BETWEEN_TRIES_MS = 1_000;
/** gRPC: INVALID_ARGUMENT, PERMISSION_DENIED, UNIMPLEMENTED, UNAUTHENTICATED. */
const NOT_MENDED_BY_WAITING: readonly number[] = [3, 7, 12, 16];

export async function untilServed<Result>(
  address: string,
  work: () => Promise<Result>,
  { patienceMs, log }: { patienceMs: number; log: Pick<Logger, 'warn'> },
): Promise<Result> {
  const deadlineMs = Date.now() + patienceMs;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      const answer = error instanceof ServiceError ? error.cause : error;
      if (!mayPass(answer)) throw error;
      if (Date.now() > deadlineMs) throw error instanceof TemporalUnreachable ? error : new TemporalUnreachable(address, error);
      log.warn({ address, cause: answer.message }, 'Temporal does not serve yet; asked again in a second');
      await sleep(BETWEEN_TRIES_MS);
    }
  }
}

const mayPass = (answer: unknown): answer is Error =>
  answer instanceof TemporalUnreachable || (isGrpcServiceError(answer) && !NOT_MENDED_BY_WAITING.includes(answer.code));
