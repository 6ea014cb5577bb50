/**
 * Who is calling, and may they? Decided in one place, from the role each route declares, before anything else of a route
 * runs. Deny by default: a route without a role does not register.
 */
import type { FastifyRequest } from 'fastify';
import type { ApiServer } from './api-server.ts';
import { ROLES, type Role } from './contract/identity.ts';
import type { OperatorToken } from './operator-token.ts';
import { ApiProblem } from './problem.ts';
import { readSession, sameText, type Session } from './session.ts';

const rank = (role: Role): number => ROLES.indexOf(role);
export const atLeast = (held: Role, needed: Role): boolean => rank(held) >= rank(needed);

interface Caller {
  role: Role;
  /** Written into audit rows. */
  name: string;
  via: 'token' | 'cookie' | 'expired-cookie' | 'anonymous';
  session: Session | null;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    role?: Role;
  }
  interface FastifyRequest {
    caller: Caller;
  }
}

export interface AccessRules {
  token: OperatorToken;
  anonymousRead: 'off' | 'loopback';
  now: () => number;
}

const NOBODY: Caller = { role: 'none', name: 'anonymous', via: 'anonymous', session: null };
const MUTATIONS = ['POST', 'PUT', 'PATCH', 'DELETE'];

export function installAccess(app: ApiServer, rules: AccessRules): void {
  app.decorateRequest('caller');
  app.addHook('onRoute', (route) => {
    if (route.config?.role === undefined) throw new Error(`route ${String(route.method)} ${route.url} declares no role`);
  });
  // The first hook of every request, so that rate limits and handlers know the caller.
  app.addHook('onRequest', async (request) => {
    request.caller = NOBODY;
    request.caller = identify(request, rules);
    enforce(request, request.routeOptions.config.role ?? 'none');
  });
}

function identify(request: FastifyRequest, rules: AccessRules): Caller {
  const bearer = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (bearer !== undefined) {
    if (!rules.token.matches(bearer)) throw new ApiProblem('sign_in_required', 'the token is not known');
    return { role: 'operator', name: 'operator', via: 'token', session: null };
  }
  const verdict = readSession(rules.token.signingKey, request.headers.cookie, rules.now());
  if (verdict.kind === 'valid') return { role: 'operator', name: 'operator', via: 'cookie', session: verdict.session };
  const via = verdict.kind === 'expired' ? 'expired-cookie' : 'anonymous';
  const mayRead = rules.anonymousRead === 'loopback' && fromThisMachine(request);
  return { role: mayRead ? 'viewer' : 'none', name: 'anonymous', via, session: null };
}

function enforce(request: FastifyRequest, needed: Role): void {
  const { caller } = request;
  if (needed === 'none') return;
  if (!atLeast(caller.role, needed)) {
    if (caller.via === 'expired-cookie') throw new ApiProblem('token_expired', 'sessions last 12 hours, and this one is over');
    if (caller.via === 'anonymous') throw new ApiProblem('sign_in_required', `this needs the role ${needed}`);
    throw new ApiProblem('role_too_low', `this needs the role ${needed}; you are ${caller.role}`);
  }
  if (caller.session !== null && MUTATIONS.includes(request.method)) checkSameSite(request, caller.session);
}

/** A cookie is sent by the browser on its own, so a mutation must also prove that our page made it. */
function checkSameSite(request: FastifyRequest, session: Session): void {
  const { origin, host, 'x-csrf-token': csrfToken } = request.headers;
  const sameOrigin = origin !== undefined && URL.canParse(origin) && new URL(origin).host === host;
  if (!sameOrigin) throw new ApiProblem('csrf_failed', 'the Origin of the request is another site');
  if (typeof csrfToken !== 'string' || !sameText(csrfToken, session.csrfToken)) {
    throw new ApiProblem('csrf_failed', 'X-CSRF-Token is missing or not of this session');
  }
}

const LOOPBACK_PEERS = ['127.0.0.1', '::1', '::ffff:127.0.0.1'];
const LOOPBACK_HOST = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/i;

/** The Host check keeps a rebinding web page out; a forwarding header means the real peer is behind a proxy. */
function fromThisMachine(request: FastifyRequest): boolean {
  const forwarded = Object.keys(request.headers).some((name) => name === 'forwarded' || name.startsWith('x-forwarded-'));
  return !forwarded && LOOPBACK_PEERS.includes(request.socket.remoteAddress ?? '') && LOOPBACK_HOST.test(request.headers.host ?? '');
}
