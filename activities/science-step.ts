/**
 * Runs the science program of a step for one attempt: its folder, request, limits and environment follow from the
 * attempt's name and the settings, so that no step file repeats them.
 */
import { totalmem } from 'node:os';
import { join } from 'node:path';
import type { z } from 'zod';
import type { Measured } from '../src/domain/step-output.ts';
import { tracePath } from '../src/runner/attempt-trace.ts';
import { runScience } from '../src/runner/run-science.ts';
import { scienceEnvironment } from '../src/runner/science-environment.ts';
import { type AttemptPlace, attemptScratch } from '../src/runner/scratch.ts';
import type { HostDependencies } from './dependencies.ts';
import type { Progress } from './supervised.ts';

/** The runner ends a program this much before Temporal gives the attempt up, so that a capsule is left. */
const CAPSULE_TIME_MS = 8_000;

export interface ScienceCall<Result> {
  /** Module of contimg_science. */
  program: string;
  attempt: AttemptPlace;
  requestedAt: string;
  inputs: object;
  parameters: object;
  outputs: (workDir: string) => object;
  resultSchema: z.ZodType<Result>;
  /** Of a program that may take longer than the floor of all steps. */
  longestMs?: number;
}

export async function runScienceStep<Result extends { timingsS: Record<string, number> }>(
  dependencies: HostDependencies,
  call: ScienceCall<Result>,
  watch: { signal: AbortSignal; progress: Progress },
): Promise<Measured<Result>> {
  const { settings, python } = dependencies;
  const { attempt } = call;
  const workDir = attemptScratch(settings.paths.scratch, attempt);
  const threads = settings.worker.ompThreads;
  const limitMs = Math.max(settings.attempt.timeoutFloorS * 1000, call.longestMs ?? 0);
  const { result, resources } = await runScience({
    step: call.program,
    request: {
      groupId: attempt.groupId,
      attemptId: `${attempt.runId}/${attempt.step}/${attempt.attempt}`,
      requestedAt: call.requestedAt,
      workDir,
      threads,
      inputs: call.inputs,
      parameters: call.parameters,
      outputs: call.outputs(workDir),
    },
    resultSchema: call.resultSchema,
    python,
    env: scienceEnvironment({ python, threads, numbaCacheFolder: join(python.sourceFolder, '.numba_cache'), workDir }),
    timeoutMs: Math.max(limitMs / 2, limitMs - CAPSULE_TIME_MS),
    signal: watch.signal,
    onProgress: watch.progress,
    ...(settings.profile.hz > 0 && { trace: { path: tracePath(settings.paths.state, attempt), hz: settings.profile.hz } }),
    // A program that grows without end fails by itself, before the kernel chooses whom to kill.
    limits: { addressSpaceBytes: (settings.worker.memoryGb ?? totalmem() / 1e9) * 1e9 },
  });
  return {
    output: result,
    resources,
    bytesRead: numberIn(result, 'bytesRead'),
    bytesWritten: numberIn(result, 'bytesWritten'),
    timingsS: result.timingsS,
    note: null,
  };
}

function numberIn(result: object, name: string): number | null {
  const value: unknown = Reflect.get(result, name);
  return typeof value === 'number' ? value : null;
}
