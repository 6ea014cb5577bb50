/** The supervisor against real, misbehaving subprocesses (fixtures/contimg_science). */
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { StepError, type StepFailure } from '../../src/domain/failure.ts';
import { findProgram } from '../../src/runner/process-group.ts';
import { type ScienceOrder, type ScienceProgress, runScience } from '../../src/runner/run-science.ts';
import { scienceEnvironment } from '../../src/runner/science-environment.ts';

const fine = z.strictObject({ fine: z.literal(true) });
const python = { interpreter: findProgram('python3') ?? '', sourceFolder: join(import.meta.dirname, 'fixtures') };

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'contimg runner-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function order<Result>(
  step: string,
  resultSchema: z.ZodType<Result>,
  more: { parameters?: object; outputs?: object } & Partial<ScienceOrder<Result>> = {},
): ScienceOrder<Result> {
  const { parameters = {}, outputs = {}, ...rest } = more;
  const workDir = join(folder, `${step}-1`);
  const outside = { PATH: process.env['PATH'], SECRET_TOKEN: 'not to be seen' };
  return {
    step,
    resultSchema,
    request: {
      groupId: '2025-10-02T00:05:18',
      attemptId: 'a1',
      requestedAt: '2025-10-02T00:20:00Z',
      workDir,
      threads: 2,
      inputs: {},
      parameters,
      outputs,
    },
    python,
    env: scienceEnvironment({ python, threads: 2, numbaCacheFolder: folder, workDir, outside }),
    timeoutMs: 60_000,
    signal: new AbortController().signal,
    onProgress: () => undefined,
    ...rest,
  };
}

async function failureOf(running: Promise<unknown>): Promise<StepFailure> {
  try {
    await running;
  } catch (error) {
    if (error instanceof StepError) return error.failure;
    throw error;
  }
  throw new Error('it did not fail');
}

const isAlive = (pid: number): boolean => {
  try {
    // A zombie has ended; only its parent has not been told.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
};

describe('a step that behaves', () => {
  const said = z.strictObject({
    requestSeen: z.looseObject({}),
    environmentNames: z.array(z.string()),
    timingsS: z.record(z.string(), z.number()),
  });

  test('gets a snake_case request, reports progress, and its result comes back in camelCase with what it used', async () => {
    const progress: ScienceProgress[] = [];
    const { result, resources } = await runScience(
      order('said', said, { parameters: { madSigma: 7 }, onProgress: (report) => progress.push(report) }),
    );
    expect(result.requestSeen).toMatchObject({
      schemaVersion: 1,
      step: 'said',
      groupId: '2025-10-02T00:05:18',
      parameters: { madSigma: 7 },
    });
    expect(JSON.parse(await readFile(join(folder, 'said-1', 'request.json'), 'utf8'))).toMatchObject({ parameters: { mad_sigma: 7 } });
    expect(progress.map(({ fraction }) => fraction)).toEqual([0.25, 0.75]);
    expect(resources.cpuS).toBe(12.5);
    expect(resources.wallS).toBeGreaterThan(0);
  });

  test('sees its short list of variables and no secret of ours', async () => {
    const { result } = await runScience(order('said', said));
    expect(result.environmentNames).toEqual(expect.arrayContaining(['OMP_NUM_THREADS', 'HDF5_USE_FILE_LOCKING', 'PYTHONPATH']));
    expect(result.environmentNames).not.toContain('SECRET_TOKEN');
  });

  test('leaves stderr and stray stdout in its log', async () => {
    await runScience(order('said', said));
    const log = await readFile(join(folder, 'said-1', 'step.log'), 'utf8');
    expect(log).toContain('a word for the log');
    expect(log).toContain('chatter on stdout');
  });
});

describe('a step that ends badly', () => {
  test.each([
    ['killed', { type: 'ToolKilled', code: 'SIGKILL' }],
    ['nothing said', { type: 'ToolFailed', code: 'NoResult' }],
    ['invalid json', { type: 'ToolFailed', code: 'UnreadableOutput' }],
    ['failure', { type: 'BadInput', code: 'Truncated', message: 'sb03 ends early', remedy: 'copy it again', sideEffects: 'none' }],
    ['exit 3', { type: 'ToolFailed', code: 'Exit3' }],
    ['exit 1 after a result', { type: 'ToolFailed', code: 'Exit1' }],
    ['other result', { type: 'Bug', code: 'BadResult' }],
  ])('%s', async (how, expected) => {
    const failure = await failureOf(runScience(order('ending', fine, { parameters: { how } })));
    expect(failure).toMatchObject(expected);
    expect(failure.remedy).not.toBe('');
    const capsule = JSON.parse(await readFile(failure.capsulePath ?? '', 'utf8'));
    expect(capsule).toMatchObject({
      step: 'ending',
      failure: { code: expected.code },
      log_tail: expect.arrayContaining(['the last words']),
    });
    expect(capsule.shell_line).toContain('contimg_science.ending');
  });

  test('a result counts although a child of the step lives on, and the child is ended', async () => {
    const started = Date.now();
    const { result } = await runScience(order('ending', fine, { parameters: { how: 'a child holds the pipes' } }));
    expect(result).toEqual({ fine: true });
    // The child would sleep for ten minutes; half a second is its grace.
    expect(Date.now() - started).toBeLessThan(5_000);
  });
});

test('a quarter of a gigabyte of rubbish on stdout costs neither memory nor disk nor the result', async () => {
  const before = process.memoryUsage().rss;
  let peak = before;
  const watching = setInterval(() => (peak = Math.max(peak, process.memoryUsage().rss)), 10);
  const { result } = await runScience(order('flood', fine, { parameters: { bytes: 250_000_000 } }));
  clearInterval(watching);
  expect(result).toEqual({ fine: true });
  // Reading buffers and the garbage collector's slack; the rubbish itself is 250 MB.
  expect(peak - before).toBeLessThan(180_000_000);
  // The log's limit of 32 MiB and the line that says so.
  expect(statSync(join(folder, 'flood-1', 'step.log')).size).toBeLessThan(32 * 1024 * 1024 + 200);
});

const pids = async (): Promise<number[]> => (await readFile(join(folder, 'pids'), 'utf8')).split(' ').map(Number);

describe('a step that ignores SIGTERM, with a child and a grandchild', () => {
  test('is gone with all its family after a cancellation, and the reason of the cancellation comes back', async () => {
    const cancelling = new AbortController();
    const onProgress = ({ message }: ScienceProgress): void => {
      if (message === 'hanging') cancelling.abort(new Error('the operator said so'));
    };
    const stubborn = order('stubborn', fine, {
      outputs: { pids: join(folder, 'pids') },
      signal: cancelling.signal,
      onProgress,
      killGraceMs: 300,
    });
    await expect(runScience(stubborn)).rejects.toThrow('the operator said so');
    const family = await pids();
    expect(family).toHaveLength(3);
    expect(family.filter(isAlive)).toEqual([]);
  });

  test('is gone after its time limit, which is what the failure says', async () => {
    const stubborn = order('stubborn', fine, { outputs: { pids: join(folder, 'pids') }, timeoutMs: 1_500, killGraceMs: 300 });
    const failure = await failureOf(runScience(stubborn));
    expect(failure).toMatchObject({ type: 'Timeout', code: 'TimeLimit' });
    await sleep(50);
    expect((await pids()).filter(isAlive)).toEqual([]);
  });
});

test('a memory limit reaches the subprocess', async () => {
  const failure = await failureOf(runScience(order('said', fine, { limits: { addressSpaceBytes: 3_000_000 } })));
  expect(['ToolFailed', 'ToolKilled']).toContain(failure.type);
});

test('a cancelled order starts nothing', async () => {
  const signal = AbortSignal.abort(new Error('too late'));
  await expect(runScience(order('said', fine, { signal }))).rejects.toThrow('too late');
});
