/**
 * What every stage has: `validate` says what is wrong with its input, `execute` does the step of the pipeline and answers
 * what it made, `cleanup` gives its scratch back. Stages make files; the product database is written by pipeline and batch.
 */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import type { HostDependencies } from '../../activities/dependencies.ts';
import { openForWriting } from '../catalog/database.ts';
import type { StepName } from '../domain/step.ts';
import type { AttemptName } from '../domain/step-output.ts';
import { releaseRun } from '../runner/scratch.ts';
import { hostOf } from './host.ts';
import { libraryLog, settingsOf, type WorkerConfig } from './worker-config.ts';

export interface StageOptions {
  /** Ends the step and its processes. */
  signal?: AbortSignal;
  onProgress?: (detail: { fraction: number; message: string }) => void;
}

/** `execute` was given what `validate` refuses. */
export class StageRefused extends Error {
  override readonly name = 'StageRefused';
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(problems.join('; '));
    this.problems = problems;
  }
}

export interface Watch {
  signal: AbortSignal;
  progress: (detail: { fraction: number; message: string }) => void;
}

export abstract class Stage<Input, Result extends { groupId: string }> {
  protected readonly runId = `stage-${randomUUID()}`;
  readonly #config: WorkerConfig;
  #host: HostDependencies | null = null;

  constructor(config: WorkerConfig) {
    this.#config = config;
  }

  /** Problems in words; none: it can be executed. Reads only. */
  abstract validate(input: Input): Promise<string[]>;

  protected abstract work(input: Input, watch: Watch): Promise<Result>;

  async execute(input: Input, { signal, onProgress }: StageOptions = {}): Promise<Result> {
    const problems = await this.validate(input);
    if (problems.length > 0) throw new StageRefused(problems);
    const { database } = this.host.settings.paths;
    // Steps look up names of the group there; a new one is empty and knows none.
    if (!existsSync(database)) openForWriting(database, { role: 'catalog' }).close();
    return this.work(input, { signal: signal ?? new AbortController().signal, progress: onProgress ?? (() => undefined) });
  }

  /** Removes what `execute` left in scratch; what was published stays. Safe to call twice. */
  async cleanup({ groupId }: Pick<Result, 'groupId'>): Promise<void> {
    await releaseRun(this.host.settings.paths.scratch, { groupId, runId: this.runId });
  }

  protected get host(): HostDependencies {
    this.#host ??= hostOf(settingsOf(this.#config), libraryLog(this.#config));
    return this.#host;
  }

  protected order<Step extends StepName & AttemptName['step']>(groupId: string, step: Step) {
    return {
      attempt: { groupId, runId: this.runId, runNumber: 1, step, attempt: 1 } satisfies AttemptName,
      requestedAt: new Date().toISOString(),
      parameters: this.host.settings.steps[step],
    };
  }
}
