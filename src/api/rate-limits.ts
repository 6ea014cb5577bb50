/**
 * How often one caller may ask, a minute: so that a script run wild slows itself and nobody else. Counted a token or
 * session, else an address. Files of the dashboard itself are not counted.
 */
import rateLimit from '@fastify/rate-limit';
import type { FastifyRequest } from 'fastify';
import type { ApiServer } from './api-server.ts';
import { ApiProblem } from './problem.ts';

const READS = 1200;
const MUTATIONS = 60;
const ANONYMOUS = 120;
const SIGN_INS = 10;
const SIGN_IN_PATH = '/api/v1/auth/login';

type Budget = 'sign-in' | 'anonymous' | 'read' | 'mutation';

function budgetOf(request: FastifyRequest): Budget {
  if (request.routeOptions.url === SIGN_IN_PATH) return 'sign-in';
  if (request.caller.role === 'none' || request.caller.name === 'anonymous') return 'anonymous';
  return request.method === 'GET' || request.method === 'HEAD' ? 'read' : 'mutation';
}

const LIMITS: Readonly<Record<Budget, number>> = { 'sign-in': SIGN_INS, anonymous: ANONYMOUS, read: READS, mutation: MUTATIONS };

export async function installRateLimits(app: ApiServer): Promise<void> {
  await app.register(rateLimit, {
    global: true,
    timeWindow: 60_000,
    max: (request) => LIMITS[budgetOf(request)],
    keyGenerator: (request) => `${budgetOf(request)} ${request.caller.role} ${request.ip}`,
    allowList: (request) => !request.url.startsWith('/api/'),
    enableDraftSpec: true,
    errorResponseBuilder: (_request, context) =>
      new ApiProblem('rate_limited', `at most ${context.max} a minute; try again in ${context.after}`),
  });
}
