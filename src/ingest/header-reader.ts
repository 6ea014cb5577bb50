/**
 * Asks the header worker, with a deadline that counts from when the thread can read: how long a busy machine takes to start
 * it says nothing about the file. A thread that is late, that died or that met a library error is ended and replaced; its
 * file gets a verdict all the same. Questions are answered one at a time, in order.
 */
import { Worker } from 'node:worker_threads';
import type { HeaderVerdict } from './header-facts.ts';
import type { HeaderAnswer, HeaderQuestion, HeaderWorkerMessage } from './header-worker.ts';
import { rejection } from './rejection.ts';

export interface HeaderReader {
  read(question: HeaderQuestion): Promise<HeaderVerdict>;
  close(): Promise<void>;
}

const WORKER_URL = new URL('./header-worker.ts', import.meta.url);
/** Half a second on an idle machine. */
const START_DEADLINE_MS = 60_000;

interface Thread {
  worker: Worker;
  ready: boolean;
}

export function createHeaderReader(options: { deadlineMs: number; workerUrl?: URL }): HeaderReader {
  let thread: Thread | null = null;
  let turn: Promise<unknown> = Promise.resolve();

  const retire = async (): Promise<void> => {
    const old = thread;
    thread = null;
    await old?.worker.terminate();
  };

  function spawn(): Thread {
    const spawned = { worker: new Worker(options.workerUrl ?? WORKER_URL), ready: false };
    // A thread that dies between two questions is replaced at the next one.
    spawned.worker.on('error', () => undefined);
    spawned.worker.on('exit', () => {
      if (thread === spawned) thread = null;
    });
    return spawned;
  }

  async function ask(question: HeaderQuestion): Promise<HeaderVerdict> {
    thread ??= spawn();
    const outcome = await answerOf(thread, question, options.deadlineMs);
    if (outcome.kind === 'answer') {
      if (!outcome.answer.reusable) await retire();
      return outcome.answer.verdict;
    }
    await retire();
    if (outcome.kind === 'late') {
      return { kind: 'rejected', rejection: rejection('HeaderTimeout', `the header was not read in ${options.deadlineMs / 1000} s`) };
    }
    return { kind: 'rejected', rejection: rejection('Unreadable', `the header reader died: ${outcome.reason}`) };
  }

  return {
    read(question) {
      const result = turn.then(() => ask(question));
      turn = result.catch(() => undefined);
      return result;
    },
    async close() {
      await turn;
      await retire();
    },
  };
}

type Outcome = { kind: 'answer'; answer: HeaderAnswer } | { kind: 'late' } | { kind: 'died'; reason: string };

function answerOf(thread: Thread, question: HeaderQuestion, deadlineMs: number): Promise<Outcome> {
  const { worker } = thread;
  return new Promise((resolve) => {
    const settle = (outcome: Outcome): void => {
      clearTimeout(timer);
      worker.off('message', onMessage).off('error', onError).off('exit', onExit);
      resolve(outcome);
    };
    const reading = (): NodeJS.Timeout => setTimeout(() => settle({ kind: 'late' }), deadlineMs);
    const starting = (): NodeJS.Timeout =>
      setTimeout(() => settle({ kind: 'died', reason: `it did not start within ${START_DEADLINE_MS / 1000} s` }), START_DEADLINE_MS);
    const onMessage = (message: HeaderWorkerMessage): void => {
      if (message !== 'ready') return settle({ kind: 'answer', answer: message });
      thread.ready = true;
      clearTimeout(timer);
      timer = reading();
    };
    const onError = (error: unknown): void => settle({ kind: 'died', reason: error instanceof Error ? error.message : String(error) });
    const onExit = (code: number): void => settle({ kind: 'died', reason: `exit code ${code}` });
    let timer = thread.ready ? reading() : starting();
    worker.on('message', onMessage).on('error', onError).on('exit', onExit);
    worker.postMessage(question, []);
  });
}
