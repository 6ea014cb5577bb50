/**
 * A part of `contimg up` as a child process, kept alive: started again with growing pauses when it ends by itself, ended on
 * request with a grace time. Dies with us.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { findProgram } from '../runner/process-group.ts';
import type { Logger } from '../telemetry/log.ts';

export interface SupervisedChild {
  name: string;
  pid(): number | null;
  restarts(): number;
  /** SIGTERM, then SIGKILL after the grace time; resolves when it is gone. */
  stop(graceMs: number): Promise<void>;
  kill(): void;
}

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;
/** A child that lived this long was well: the next pause is short again. */
const HEALTHY_AFTER_MS = 60_000;

export function superviseChild(order: { name: string; command: readonly string[]; env: NodeJS.ProcessEnv; log: Logger }): SupervisedChild {
  const { name, env, log } = order;
  const stopping = new AbortController();
  const setpriv = findProgram('setpriv');
  const wrapped = setpriv === null ? order.command : [setpriv, '--pdeathsig', 'KILL', '--', ...order.command];
  let child: ChildProcess | null = null;
  let restarts = 0;

  const live = async (): Promise<void> => {
    let pauseMs = FIRST_PAUSE_MS;
    while (!stopping.signal.aborted) {
      const startedAt = Date.now();
      const end = await lifeOf(wrapped, env, (started) => {
        child = started;
      });
      child = null;
      if (stopping.signal.aborted) return;
      if (Date.now() - startedAt > HEALTHY_AFTER_MS) pauseMs = FIRST_PAUSE_MS;
      log.error({ child: name, ...end, pauseMs }, `${name} ended; starting it again`);
      restarts += 1;
      await sleep(pauseMs, undefined, { signal: stopping.signal }).catch(stopped);
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    }
  };
  const lived = live();

  return {
    name,
    pid: () => child?.pid ?? null,
    restarts: () => restarts,
    async stop(graceMs) {
      stopping.abort();
      child?.kill('SIGTERM');
      const killing = setTimeout(() => child?.kill('SIGKILL'), graceMs);
      await lived;
      clearTimeout(killing);
    },
    kill() {
      stopping.abort();
      child?.kill('SIGKILL');
    },
  };
}

/** The pause was cut short by a stop: that is what it is for. */
function stopped(error: unknown): void {
  if (!(error instanceof Error && error.name === 'AbortError')) throw error;
}

interface End {
  exitCode: number | null;
  exitSignal: string | null;
  problem?: string;
}

/** What it prints goes to our stderr: stdout belongs to the events of `up`. Own process group: Ctrl-C reaches us alone. */
const lifeOf = (command: readonly string[], env: NodeJS.ProcessEnv, started: (child: ChildProcess) => void): Promise<End> =>
  new Promise((resolve) => {
    const [program = '', ...args] = command;
    const child = spawn(program, args, { env, detached: true, stdio: ['ignore', 2, 2] });
    started(child);
    child.once('error', (error) => resolve({ exitCode: null, exitSignal: null, problem: error.message }));
    child.once('exit', (exitCode, exitSignal) => resolve({ exitCode, exitSignal }));
  });
