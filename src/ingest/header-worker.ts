/**
 * The thread in which HDF5 headers are read, checked and digested. It holds one h5wasm instance, answers one question at a
 * time, and is thrown away by its owner after any library error, when an answer takes too long or after many answers: a
 * damaged header can make the library loop for ever or leave it in a bad state, and it keeps some kilobytes of every file.
 */
import { parentPort } from 'node:worker_threads';
import { File, ready } from 'h5wasm/node';
import { systemErrorCode } from '../domain/system-error.ts';
import { fingerprintOf } from './digests.ts';
import { judgeHeader, type NameClaims } from './header-checks.ts';
import type { HeaderVerdict, Site } from './header-facts.ts';
import { readHeader } from './header-read.ts';
import { touchLastSamples } from './last-samples.ts';
import { judgeLibraryError } from './library-error.ts';
import { HeaderRefused } from './rejection.ts';

export interface HeaderQuestion {
  path: string;
  bytes: number;
  claims: NameClaims;
  site: Site;
}

export interface HeaderAnswer {
  verdict: HeaderVerdict;
  /** False after a library error or HEADERS_A_THREAD answers: this thread must not be asked again. */
  reusable: boolean;
}

/** `ready` once, when it can take questions; then an answer to each. */
export type HeaderWorkerMessage = 'ready' | HeaderAnswer;

/** Then what the library kept of them, some megabytes, is given back; a fresh thread takes half a second. */
const HEADERS_A_THREAD = 2000;

const port = parentPort;
if (port === null) throw new Error('header-worker runs as a worker thread only');

// Without this the library prints its errors and hands out whatever lies in its memory.
(await ready).activate_throwing_error_handler();
const send = (message: HeaderWorkerMessage): void => port.postMessage(message);

let answered = 0;
port.on('message', (question: HeaderQuestion) => {
  answered += 1;
  const { verdict, reusable } = answer(question);
  const said = { verdict, reusable: reusable && answered < HEADERS_A_THREAD };
  // What else was asked is asked again of another thread.
  if (!said.reusable) port.removeAllListeners('message');
  send(said);
});
send('ready');

/** Waits for the disk where it stands: nothing else runs in this thread. */
function answer(question: HeaderQuestion): HeaderAnswer {
  let file: File | null = null;
  try {
    const fingerprint = fingerprintOf(question.path, question.bytes);
    file = new File(question.path, 'r');
    const { header, samples } = readHeader(file, question.bytes);
    const facts = judgeHeader(header, question.claims, question.site, fingerprint);
    touchLastSamples(samples);
    return { verdict: { kind: 'facts', facts }, reusable: true };
  } catch (error) {
    if (error instanceof HeaderRefused) return { verdict: { kind: 'rejected', rejection: error.rejection }, reusable: true };
    return {
      verdict: { kind: 'rejected', rejection: judgeLibraryError(error) },
      reusable: file === null && systemErrorCode(error) !== null,
    };
  } finally {
    file?.close();
  }
}
