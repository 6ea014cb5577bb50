/**
 * The dashboard's signed cookie: who signed in and until when, with a MAC under a key derived from the operator token.
 * Nothing is stored on the server. The CSRF token of a session follows from it and is given only in JSON answers, which
 * another site cannot read.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

const SESSION_COOKIE = 'contimg_session';
const SESSION_MS = 12 * 3_600_000;

export interface Session {
  expiresAtMs: number;
  csrfToken: string;
}
export type SessionVerdict = { kind: 'valid'; session: Session } | { kind: 'expired' } | { kind: 'absent' };

export function startSession(key: Buffer, nowMs: number): Session & { setCookie: string } {
  const expiresAtMs = nowMs + SESSION_MS;
  const claim = `${expiresAtMs}.${randomBytes(16).toString('base64url')}`;
  const cookie = `${claim}.${mac(key, `session ${claim}`)}`;
  return { expiresAtMs, csrfToken: mac(key, `csrf ${claim}`), setCookie: attributes(cookie, SESSION_MS / 1000) };
}

export const endSession = (): string => attributes('', 0);

export function readSession(key: Buffer, cookieHeader: string | undefined, nowMs: number): SessionVerdict {
  const value = cookieHeader
    ?.split(';')
    .map((pair) => pair.trim())
    .find((pair) => pair.startsWith(`${SESSION_COOKIE}=`))
    ?.slice(SESSION_COOKIE.length + 1);
  const [expires, nonce, signature] = value?.split('.') ?? [];
  if (expires === undefined || nonce === undefined || signature === undefined) return { kind: 'absent' };
  const claim = `${expires}.${nonce}`;
  if (!sameText(signature, mac(key, `session ${claim}`))) return { kind: 'absent' };
  const expiresAtMs = Number(expires);
  if (expiresAtMs <= nowMs) return { kind: 'expired' };
  return { kind: 'valid', session: { expiresAtMs, csrfToken: mac(key, `csrf ${claim}`) } };
}

export function sameText(left: string, right: string): boolean {
  const a = Buffer.from(left);
  const b = Buffer.from(right);
  return a.length === b.length && timingSafeEqual(a, b);
}

const mac = (key: Buffer, text: string): string => createHmac('sha256', key).update(text).digest('base64url');

// No `Secure`: the API listens on loopback over plain HTTP; a proxy that adds TLS adds the attribute.
const attributes = (value: string, maxAgeS: number): string =>
  `${SESSION_COOKIE}=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${maxAgeS}`;
