/**
 * Runs one science step as a supervised subprocess: JSON request in, JSON lines out. Answers the parsed result or throws a
 * StepError that says why there is none; when cancelled, throws the signal's reason. In every case the whole process group
 * is gone before it answers. Bounded in memory and log, whatever the program prints.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import type { z } from 'zod';
import { StepError } from '../domain/failure.ts';
import { firstIssue } from '../domain/operator-request.ts';
import { camelCased, snakeCased } from '../domain/spelling.ts';
import type { Resources } from '../domain/step-output.ts';
import { startTrace, type TraceOrder } from './attempt-trace.ts';
import { writeCapsule } from './capsule.ts';
import { LineSplitter } from './json-lines.ts';
import { noteRunning } from './leftovers.ts';
import { judgeEnd, type Observed } from './outcome.ts';
import { type ProcessGroup, type ProcessLimits, startProcessGroup } from './process-group.ts';
import { ResourceSampler } from './resource-sampler.ts';
import type { SciencePython } from './science-environment.ts';
import { readEvent } from './science-event.ts';
import { StepLog } from './step-log.ts';

interface ScienceRequest {
  groupId: string;
  /** Programs use it in file names: slashes become dots. */
  attemptId: string;
  requestedAt: string;
  /** The attempt's own folder; made when it is missing. Request, log and capsule are written here. */
  workDir: string;
  threads: number;
  inputs: object;
  parameters: object;
  outputs: object;
}

export interface ScienceProgress {
  fraction: number;
  message: string;
  rssBytes: number;
  cpuS: number;
}

export interface ScienceOrder<Result> {
  /** Module of contimg_science: `concat`, `flag`, … */
  step: string;
  request: ScienceRequest;
  resultSchema: z.ZodType<Result>;
  python: SciencePython;
  env: Readonly<Record<string, string>>;
  timeoutMs: number;
  signal: AbortSignal;
  /** Called on every progress line and every few seconds without one, so that it can serve as a sign of life. */
  onProgress(progress: ScienceProgress): void;
  limits?: ProcessLimits;
  /** A trace of what it uses is kept when one is asked for. */
  trace?: TraceOrder;
  /** From SIGTERM to SIGKILL. */
  killGraceMs?: number;
}

const SAMPLE_EVERY_MS = 2_000;
const KILL_GRACE_MS = 5_000;
const TAIL_LINES = 60;

export async function runScience<Result>(order: ScienceOrder<Result>): Promise<{ result: Result; resources: Resources }> {
  order.signal.throwIfAborted();
  const { workDir } = order.request;
  const requestPath = join(workDir, 'request.json');
  await mkdir(workDir, { recursive: true });
  const attemptId = order.request.attemptId.replaceAll('/', '.');
  const request = snakeCased({ schemaVersion: 1, step: order.step, ...order.request, attemptId });
  await writeFile(requestPath, `${JSON.stringify(request, null, 2)}\n`);

  const command = [order.python.interpreter, '-m', `contimg_science.${order.step}`, requestPath];
  const startedAt = performance.now();
  const log = new StepLog(join(workDir, 'step.log'));
  try {
    const group = await startProcessGroup({ command, cwd: workDir, env: order.env, ...(order.limits && { limits: order.limits }) });
    const forget = noteRunning(workDir, group.pid);
    const { seen, resources } = await supervise(order, group, log, startedAt).finally(forget);
    order.signal.throwIfAborted();

    const outcome = judgeEnd(seen);
    const parsed = outcome.ok ? order.resultSchema.safeParse(camelCased(outcome.result)) : null;
    if (parsed?.success) return { result: parsed.data, resources };
    const failure = outcome.ok
      ? ({
          type: 'Bug',
          code: 'BadResult',
          message: `the result of ${order.step} is not what was agreed: ${parsed?.error === undefined ? '' : firstIssue(parsed.error)}`,
          remedy: 'send the capsule of this attempt to the developers',
          sideEffects: 'scratch',
        } as const)
      : outcome.failure;
    const capsulePath = await writeCapsule(workDir, {
      step: order.step,
      failure,
      command,
      workingDirectory: workDir,
      requestPath,
      logPath: log.path,
      logTail: log.tail(TAIL_LINES),
      exitCode: seen.end.exitCode,
      exitSignal: seen.end.exitSignal,
      resources,
      environment: order.env,
      host: hostname(),
      endedAt: new Date().toISOString(),
    });
    throw new StepError({ ...failure, capsulePath });
  } finally {
    log.close();
  }
}

async function supervise<Result>(
  order: ScienceOrder<Result>,
  group: ProcessGroup,
  log: StepLog,
  startedAt: number,
): Promise<{ seen: Observed; resources: Resources }> {
  const sampler = new ResourceSampler(group.pid);
  const seen: Omit<Observed, 'end' | 'lastLogLine'> = {
    step: order.step,
    result: null,
    failure: null,
    unreadableLines: 0,
    timedOutAfterMs: null,
  };
  let last = { fraction: 0, message: 'started' };
  const report = (): void => {
    const { cpuS, rssBytes } = sampler.sample();
    order.onProgress({ ...last, cpuS, rssBytes });
  };
  const lines = new LineSplitter({
    other: (bytes) => log.write(bytes),
    event(line) {
      const event = readEvent(line);
      if (event === null) {
        seen.unreadableLines += 1;
        log.write(Buffer.from(`${line}\n`));
      } else if (event.event === 'progress') {
        last = { fraction: event.fraction, message: event.message };
        report();
      } else if (event.event === 'result') {
        seen.result = event;
      } else {
        seen.failure = event;
      }
    },
  });
  group.stdout.on('data', (chunk: Buffer) => lines.push(chunk));
  group.stderr.on('data', (chunk: Buffer) => log.write(chunk));

  const stop = (): void => group.stop(order.killGraceMs ?? KILL_GRACE_MS);
  const sampling = setInterval(report, SAMPLE_EVERY_MS);
  const endTrace = order.trace === undefined ? null : startTrace(order.trace, group.pid);
  const limit = setTimeout(() => {
    seen.timedOutAfterMs = order.timeoutMs;
    stop();
  }, order.timeoutMs);
  order.signal.addEventListener('abort', stop, { once: true });
  if (order.signal.aborted) stop();
  try {
    sampler.sample();
    const end = await group.done;
    lines.end();
    seen.unreadableLines += lines.droppedLines;
    const resources = {
      wallS: (performance.now() - startedAt) / 1000,
      cpuS: Math.max(seen.result?.resources.cpuS ?? 0, sampler.cpuS()),
      maxRssBytes: Math.max(seen.result?.resources.maxRssBytes ?? 0, sampler.peakRssBytes),
    };
    return { seen: { ...seen, end, lastLogLine: log.tail(1)[0] ?? null }, resources };
  } finally {
    clearInterval(sampling);
    endTrace?.();
    clearTimeout(limit);
    order.signal.removeEventListener('abort', stop);
  }
}
