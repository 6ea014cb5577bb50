/**
 * Asks the header worker, with a deadline. A thread that is late, that died or that met a library error is ended and
 * replaced; its file gets a verdict all the same. Questions are answered one at a time, in order.
 */
import { Worker } from 'node:worker_threads';
import type { HeaderVerdict } from './header-facts.ts';
import type { HeaderAnswer, HeaderQuestion } from './header-worker.ts';
import { rejection } from './rejection.ts';

export interface HeaderReader {
  read(question: HeaderQuestion): Promise<HeaderVerdict>;
  close(): Promise<void>;
}

const WORKER_URL = new URL('./header-worker.ts', import.meta.url);

export function createHeaderReader(options: { deadlineMs: number; workerUrl?: URL }): HeaderReader {
  let worker: Worker | null = null;
  let turn: Promise<unknown> = Promise.resolve();

  const retire = async (): Promise<void> => {
    const old = worker;
    worker = null;
    await old?.terminate();
  };

  function spawn(): Worker {
    const spawned = new Worker(options.workerUrl ?? WORKER_URL);
    // A thread that dies between two questions is replaced at the next one.
    spawned.on('error', () => undefined);
    spawned.on('exit', () => {
      if (worker === spawned) worker = null;
    });
    return spawned;
  }

  async function ask(question: HeaderQuestion): Promise<HeaderVerdict> {
    worker ??= spawn();
    const outcome = await answerOf(worker, question, options.deadlineMs);
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

function answerOf(worker: Worker, question: HeaderQuestion, deadlineMs: number): Promise<Outcome> {
  return new Promise((resolve) => {
    const settle = (outcome: Outcome): void => {
      clearTimeout(timer);
      worker.off('message', onMessage).off('error', onError).off('exit', onExit);
      resolve(outcome);
    };
    const onMessage = (answer: HeaderAnswer): void => settle({ kind: 'answer', answer });
    const onError = (error: unknown): void => settle({ kind: 'died', reason: error instanceof Error ? error.message : String(error) });
    const onExit = (code: number): void => settle({ kind: 'died', reason: `exit code ${code}` });
    const timer = setTimeout(() => settle({ kind: 'late' }), deadlineMs);
    worker.on('message', onMessage).on('error', onError).on('exit', onExit);
    worker.postMessage(question, []);
  });
}
