/**
 * Asks the header workers, a few threads, with a deadline a file that counts from when its thread turns to it: how long a
 * busy machine takes to start a thread says nothing about the file. A thread that is late, that died or that met a library
 * error is ended and replaced; the file it was at gets a verdict all the same, and those behind it are asked again.
 */
import { Worker } from 'node:worker_threads';
import { MODULE_EXTENSION } from '../config/module-extension.ts';
import type { HeaderVerdict } from './header-facts.ts';
import type { HeaderQuestion, HeaderWorkerMessage } from './header-worker.ts';
import { rejection, type Rejection } from './rejection.ts';

export interface HeaderReader {
  read(question: HeaderQuestion): Promise<HeaderVerdict>;
  close(): Promise<void>;
}

const WORKER_URL = new URL(`./header-worker${MODULE_EXTENSION}`, import.meta.url);
/** Half a second on an idle machine. */
const START_DEADLINE_MS = 60_000;
/** A header is half library calls and half waiting to be asked: more threads than two only take memory. */
const THREADS = 2;
/** Questions at a thread: one in work and one behind it, so that it need not wait for the next. */
const QUESTIONS_A_THREAD = 2;

interface Ask {
  question: HeaderQuestion;
  answer: (verdict: HeaderVerdict) => void;
}

interface Thread {
  worker: Worker;
  ready: boolean;
  /** In the order asked; the thread is at the first. */
  asked: Ask[];
  timer: NodeJS.Timeout | undefined;
}

export function createHeaderReader(options: { deadlineMs: number; workerUrl?: URL }): HeaderReader {
  const threads = new Set<Thread>();
  const waiting: Ask[] = [];
  const ending = new Set<Promise<unknown>>();

  function spawn(): Thread {
    const worker = new Worker(options.workerUrl ?? WORKER_URL);
    const thread: Thread = { worker, ready: false, asked: [], timer: undefined };
    threads.add(thread);
    worker.on('message', (message: HeaderWorkerMessage) => hear(thread, message));
    worker.on('error', (error: unknown) => died(thread, error instanceof Error ? error.message : String(error)));
    worker.on('exit', (code) => died(thread, `exit code ${code}`));
    return thread;
  }

  function watchClock(thread: Thread): void {
    clearTimeout(thread.timer);
    const { ready } = thread;
    const [head] = thread.asked;
    if (head === undefined) return;
    const late = (): void => {
      // An answer that came while this thread itself was held up is heard first.
      setImmediate(() => {
        if (thread.asked[0] !== head || thread.ready !== ready) return;
        if (ready) replace(thread, rejection('HeaderTimeout', `the header was not read in ${options.deadlineMs / 1000} s`));
        else died(thread, `it did not start within ${START_DEADLINE_MS / 1000} s`);
      });
    };
    thread.timer = setTimeout(late, ready ? options.deadlineMs : START_DEADLINE_MS);
  }

  function hear(thread: Thread, message: HeaderWorkerMessage): void {
    if (!threads.has(thread)) return;
    if (message === 'ready') thread.ready = true;
    else thread.asked.shift()?.answer(message.verdict);
    if (message === 'ready' || message.reusable) watchClock(thread);
    else retire(thread);
    hand();
  }

  const died = (thread: Thread, reason: string): void => replace(thread, rejection('Unreadable', `the header reader died: ${reason}`));

  /** The file a thread was at gets this verdict. A thread that dies between two questions is replaced at the next one. */
  function replace(thread: Thread, refused: Rejection): void {
    if (!threads.has(thread)) return;
    thread.asked.shift()?.answer({ kind: 'rejected', rejection: refused });
    retire(thread);
    hand();
  }

  function retire(thread: Thread): void {
    clearTimeout(thread.timer);
    threads.delete(thread);
    waiting.unshift(...thread.asked);
    const end = thread.worker.terminate().finally(() => ending.delete(end));
    ending.add(end);
  }

  /** Gives what waits to the thread with the least to do. */
  function hand(): void {
    for (let ask = waiting.shift(); ask !== undefined; ask = waiting.shift()) {
      const [idlest] = [...threads].sort((one, other) => one.asked.length - other.asked.length);
      const isBusy = idlest === undefined || idlest.asked.length > 0;
      const thread = isBusy && threads.size < THREADS ? spawn() : idlest;
      if (thread === undefined || thread.asked.length >= QUESTIONS_A_THREAD) {
        waiting.unshift(ask);
        return;
      }
      thread.asked.push(ask);
      thread.worker.postMessage(ask.question, []);
      if (thread.asked.length === 1) watchClock(thread);
    }
  }

  return {
    read(question) {
      const { promise, resolve } = Promise.withResolvers<HeaderVerdict>();
      waiting.push({ question, answer: resolve });
      hand();
      return promise;
    },
    async close() {
      for (const thread of threads) retire(thread);
      const closed = rejection('Unreadable', 'the header reader was closed');
      for (const { answer } of waiting.splice(0)) answer({ kind: 'rejected', rejection: closed });
      await Promise.all(ending);
    },
  };
}
