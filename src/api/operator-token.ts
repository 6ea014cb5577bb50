/**
 * The operator's secret, one file `operator.token` in the state folder, made with mode 0600 at the first start: who can
 * read that file may operate the pipeline. Compared in constant time; never logged (its path is). Personal tokens with
 * roles and expiry (`contimg token`) do not exist yet.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemErrorCode } from '../domain/system-error.ts';

export interface OperatorToken {
  path: string;
  created: boolean;
  matches(candidate: string): boolean;
  /** A key for signing sessions: changing the token ends every session. */
  signingKey: Buffer;
}

export class OperatorTokenError extends Error {
  override readonly name = 'OperatorTokenError';
  readonly remedy: string;
  constructor(message: string, remedy: string) {
    super(message);
    this.remedy = remedy;
  }
}

const SHAPE = /^cimg_operator_[A-Za-z0-9_-]{43}$/;

export function openOperatorToken(stateFolder: string): OperatorToken {
  const path = join(stateFolder, 'operator.token');
  mkdirSync(stateFolder, { recursive: true });
  const created = createOnce(path);
  const othersMayRead = (statSync(path).mode & 0o077) !== 0;
  if (othersMayRead) throw new OperatorTokenError(`${path} can be read by other users`, `chmod 600 ${path}`);
  const secret = readFileSync(path, 'utf8').trim();
  if (!SHAPE.test(secret))
    throw new OperatorTokenError(`${path} does not hold an operator token`, `rm ${path} and start again: a new one is made`);
  const expected = digest(secret);
  return {
    path,
    created,
    matches: (candidate) => timingSafeEqual(digest(candidate), expected),
    signingKey: createHash('sha256').update('contimg session\0').update(secret).digest(),
  };
}

/** Exclusive creation, so that two processes starting at once agree on one secret. */
function createOnce(path: string): boolean {
  try {
    writeFileSync(path, `cimg_operator_${randomBytes(32).toString('base64url')}\n`, { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if (systemErrorCode(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Both sides are hashed first: timingSafeEqual needs equal lengths, and the length of a guess is then no signal. */
const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
