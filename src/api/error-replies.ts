/**
 * Turns whatever went wrong in a request into one problem+json answer. Failures nobody foresaw are answered as `bug`,
 * logged with their stack under the request id, and say nothing about the inside to the caller.
 */
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import type { ApiServer } from './api-server.ts';
import { ApiProblem, type ProblemCode } from './problem.ts';

export function installErrorReplies(app: ApiServer): void {
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    const problem = problemOf(error);
    if (problem.status >= 500) request.log.error({ err: error, requestId: request.id }, problem.message);
    sendProblem(request, reply, problem);
  });
  app.setNotFoundHandler((request, reply) => {
    sendProblem(request, reply, new ApiProblem('unknown_route', `there is no ${request.method} ${pathOf(request)}`));
  });
}

function sendProblem(request: FastifyRequest, reply: FastifyReply, problem: ApiProblem): void {
  void reply
    .status(problem.status)
    .header('cache-control', 'no-store')
    .type('application/problem+json')
    .serializer((body: unknown) => JSON.stringify(body))
    .send(problem.toBody(request.id, pathOf(request)));
}

const pathOf = (request: FastifyRequest): string => request.url.split('?', 1)[0] ?? '/';

const BY_FASTIFY_CODE: Readonly<Record<string, ProblemCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_type',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'invalid_request',
  FST_ERR_CTP_INVALID_JSON_BODY: 'invalid_request',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'invalid_request',
  FST_ERR_BAD_URL: 'invalid_request',
};

/** By the start of SQLite's extended code, e.g. SQLITE_IOERR_SHORT_READ. Others (bad SQL) are bugs. */
const BY_SQLITE_CODE: readonly (readonly [string, ProblemCode])[] = [
  ['SQLITE_BUSY', 'database_busy'],
  ['SQLITE_LOCKED', 'database_busy'],
  ['SQLITE_CORRUPT', 'catalog_unavailable'],
  ['SQLITE_NOTADB', 'catalog_unavailable'],
  ['SQLITE_CANTOPEN', 'catalog_unavailable'],
  ['SQLITE_IOERR', 'catalog_unavailable'],
];

function problemOf(error: FastifyError): ApiProblem {
  if (error instanceof ApiProblem) return error;
  if (hasZodFastifySchemaValidationErrors(error)) {
    const errors = error.validation.map((issue) => ({ pointer: issue.instancePath, message: issue.message ?? 'is not valid' }));
    return refusedRequest(errors, error.validationContext ?? 'request');
  }
  const code = BY_FASTIFY_CODE[error.code] ?? BY_SQLITE_CODE.find(([start]) => error.code?.startsWith(start))?.[1];
  if (code !== undefined) return new ApiProblem(code, error.message);
  if (error instanceof SyntaxError && error.statusCode === 400) return new ApiProblem('invalid_request', 'the body is not JSON');
  if (error.statusCode === 429) return new ApiProblem('rate_limited', error.message);
  return new ApiProblem('bug', 'the server failed in a way nobody foresaw');
}

/** Two fields of operator requests have codes of their own, so that a form can put the message where it belongs. */
function refusedRequest(errors: { pointer: string; message: string }[], where: string): ApiProblem {
  const at = (pointer: string) => where === 'body' && errors.some((error) => error.pointer === pointer);
  const code: ProblemCode = at('/reason') ? 'reason_required' : at('/from') ? 'invalid_step' : 'invalid_request';
  const detail = errors.map((error) => `${error.pointer === '' ? where : error.pointer}: ${error.message}`).join('; ');
  return new ApiProblem(code, detail, { errors });
}
