/**
 * kill -9 of a random part of a running pipeline at random moments: worker, watcher, API, Temporal, a science process, the
 * process that started them, or all at once. What nobody else starts again, it does.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { killNow, treeBelow } from './process-tree.ts';
import { SeededRandom } from './random.ts';
import type { WholePipeline } from './whole-pipeline.ts';

/** Each as often as it stands here. */
const VICTIMS = [
  'worker',
  'worker',
  'worker',
  'watcher',
  'watcher',
  'temporal',
  'temporal',
  'api',
  'science',
  'science',
  'root',
  'all',
] as const;
export type Victim = (typeof VICTIMS)[number];

export class Killer {
  readonly kills: Partial<Record<Victim, number>> = {};
  readonly #pipeline: WholePipeline;
  readonly #random: SeededRandom;
  readonly #stopping = new AbortController();

  constructor(pipeline: WholePipeline, seed: number) {
    this.#pipeline = pipeline;
    this.#random = new SeededRandom(seed + 2);
  }

  /** Kills until `stop`, one victim after each pause; resolves with everything running again. */
  async work(pauseS: { from: number; to: number }): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      const pauseMs = this.#random.between(pauseS.from, pauseS.to) * 1000;
      await sleep(pauseMs, undefined, { signal: this.#stopping.signal }).catch(whenStopped);
      if (!this.#stopping.signal.aborted) await this.kill(this.#random.one(VICTIMS));
    }
  }

  stop(): void {
    this.#stopping.abort();
  }

  async kill(victim: Victim): Promise<void> {
    const pids = this.#pidsOf(victim);
    if (pids.length === 0) return; // it is being started again, or nothing runs just now
    this.kills[victim] = (this.kills[victim] ?? 0) + 1;
    if (victim === 'all') this.#pipeline.killEverything();
    else for (const pid of pids) killNow(pid);
    if (victim === 'all' || victim === 'root') await this.#pipeline.start();
  }

  #pidsOf(victim: Victim): number[] {
    switch (victim) {
      case 'root':
      case 'all':
        return [this.#pipeline.pid];
      case 'science': {
        const running = treeBelow(this.#pipeline.pid).filter(({ command }) => command.includes('quick-science.mjs'));
        return running.length === 0 ? [] : [this.#random.one(running).pid];
      }
      case 'worker':
      case 'watcher':
      case 'temporal':
      case 'api': {
        const pid = this.#pipeline.pidOf(victim);
        return pid === null ? [] : [pid];
      }
      default:
        return victim satisfies never;
    }
  }
}

/** By its words: Jest's global classes are not Node's. */
function whenStopped(error: unknown): void {
  if (!String(error).startsWith('AbortError')) throw error;
}
