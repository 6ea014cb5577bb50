/**
 * Speaks with the API: typed answers, and every failure as a problem with a remedy, also when nothing answered. Holds the
 * CSRF token of the session, which mutations must send.
 */
import type { Problem } from '../../src/api/problem.ts';

export class RequestFailed extends Error {
  readonly code: string;
  readonly remedy: string;
  readonly requestId: string | null;
  constructor(problem: Pick<Problem, 'detail' | 'code' | 'remedy'> & { request_id: string | null }) {
    super(problem.detail);
    this.code = problem.code;
    this.remedy = problem.remedy;
    this.requestId = problem.request_id;
  }
}

let csrfToken: string | null = null;
export const rememberCsrfToken = (token: string | null): void => {
  csrfToken = token;
};

export const getJson = <Answer>(path: string): Promise<Answer> => call<Answer>('GET', path);
export const postJson = <Answer>(path: string, body: unknown): Promise<Answer> => call<Answer>('POST', path, body);

async function call<Answer>(method: 'GET' | 'POST', path: string, body?: unknown): Promise<Answer> {
  const headers: Record<string, string> = { accept: 'application/json' };
  if (body !== undefined) headers['content-type'] = 'application/json';
  if (method === 'POST' && csrfToken !== null) headers['x-csrf-token'] = csrfToken;
  const response = await fetch(`/api/v1${path}`, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }).catch(
    (cause: unknown) => {
      throw new RequestFailed({
        detail: `the API does not answer (${cause instanceof Error ? cause.message : 'no connection'})`,
        code: 'api_unreachable',
        remedy: 'Check that contimg api or contimg up still runs on this host.',
        request_id: null,
      });
    },
  );
  const answer: unknown = await response.json().catch(() => null);
  if (response.ok) return answer as Answer;
  throw new RequestFailed(
    isProblem(answer)
      ? answer
      : { detail: `the API answered ${response.status} without a reason`, code: 'api_unreachable', remedy: 'Try again.', request_id: null },
  );
}

const isProblem = (answer: unknown): answer is Problem =>
  typeof answer === 'object' && answer !== null && 'code' in answer && 'detail' in answer && 'remedy' in answer;
