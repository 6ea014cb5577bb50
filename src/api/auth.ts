/** Signing in and out of the dashboard: the operator token becomes a cookie that no script can read. */
import { z } from 'zod';
import type { ApiDependencies } from './api-dependencies.ts';
import type { ApiServer } from './api-server.ts';
import { identitySchema } from './contract/identity.ts';
import { ApiProblem } from './problem.ts';
import { endSession, startSession } from './session.ts';

export function authRoutes(app: ApiServer, { operatorToken, now }: ApiDependencies): void {
  app.route({
    method: 'POST',
    url: '/api/v1/auth/login',
    config: { role: 'none' },
    schema: { body: z.strictObject({ token: z.string().min(1).max(200) }), response: { 200: identitySchema } },
    handler: async (request, reply) => {
      if (!operatorToken.matches(request.body.token.trim())) throw new ApiProblem('sign_in_required', 'this is not the operator token');
      const session = startSession(operatorToken.signingKey, now());
      void reply.header('set-cookie', session.setCookie);
      return { name: 'operator', role: 'operator' as const, expires_at: isoOf(session.expiresAtMs), csrf_token: session.csrfToken };
    },
  });

  app.route({
    method: 'POST',
    url: '/api/v1/auth/logout',
    config: { role: 'viewer' },
    schema: { response: { 200: z.strictObject({ signed_out: z.boolean() }) } },
    handler: async (_request, reply) => {
      void reply.header('set-cookie', endSession());
      return { signed_out: true };
    },
  });

  app.route({
    method: 'GET',
    url: '/api/v1/auth/me',
    config: { role: 'none' },
    schema: { response: { 200: identitySchema } },
    handler: async ({ caller }) => ({
      name: caller.name,
      role: caller.role,
      expires_at: caller.session === null ? null : isoOf(caller.session.expiresAtMs),
      csrf_token: caller.session?.csrfToken ?? null,
    }),
  });
}

const isoOf = (unixMs: number): string => new Date(unixMs).toISOString();
