/** What a worker killed with -9 leaves running, and the next one ends. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { endLeftovers } from '../../src/runner/leftovers.ts';
import { findProgram } from '../../src/runner/process-group.ts';
import { attemptScratch, freeBytes, releaseRun } from '../../src/runner/scratch.ts';

let scratch: string;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'contimg-scratch-'));
});
afterEach(() => rmSync(scratch, { recursive: true, force: true }));

const isAlive = (pid: number): boolean => {
  const status = existsSync(`/proc/${pid}/status`) ? readFileSync(`/proc/${pid}/status`, 'utf8') : 'State: Z';
  return !/^State:\s+Z/m.test(status);
};

test('the kernel ends the step of a killed worker, the next worker ends what the step had started', async () => {
  const script = join(import.meta.dirname, 'fixtures', 'run-stubborn.ts');
  const worker = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script, scratch, findProgram('python3') ?? ''], {
    stdio: 'inherit',
  });
  while (!existsSync(join(scratch, 'pids'))) await sleep(50);
  const family = readFileSync(join(scratch, 'pids'), 'utf8').split(' ').map(Number);
  expect(family.map(isAlive)).toEqual([true, true, true]);
  expect(await endLeftovers(scratch)).toEqual([]); // its worker lives: nothing is touched

  worker.kill('SIGKILL');
  await new Promise((ended) => worker.once('exit', ended));
  const ended = await endLeftovers(scratch);
  expect(ended).toEqual([attemptScratch(scratch, { groupId: '2025-10-02T00:05:18', runId: 'run', step: 'stubborn', attempt: 1 })]);
  await sleep(100);
  expect(family.filter(isAlive)).toEqual([]);
  expect(await endLeftovers(scratch)).toEqual([]);
});

describe('scratch', () => {
  const run = { groupId: 'g', runId: 'run' };
  const attempt = (runId: string): string => attemptScratch(scratch, { groupId: 'g', runId, step: 'concat', attempt: 1 });

  test('of a run is released with all it holds, and answers the bytes', async () => {
    mkdirSync(attempt('run'), { recursive: true });
    writeFileSync(join(attempt('run'), 'part'), 'x'.repeat(1000));
    expect(await releaseRun(scratch, run)).toBe(1000);
    expect(existsSync(join(scratch, 'g'))).toBe(false);
    expect(await releaseRun(scratch, run)).toBe(0);
  });

  test('of another run of the group is left alone', async () => {
    for (const runId of ['run', 'other']) mkdirSync(attempt(runId), { recursive: true });
    await releaseRun(scratch, run);
    expect(existsSync(attempt('other'))).toBe(true);
  });

  test('never reaches outside its root', async () => {
    await expect(releaseRun(scratch, { groupId: '..', runId: 'elsewhere' })).rejects.toThrow('is not inside');
  });

  test('knows the free space of a folder that is not there yet', async () => {
    expect(await freeBytes(join(scratch, 'a', 'b'))).toBeGreaterThan(0);
  });
});
