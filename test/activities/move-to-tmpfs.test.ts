/** The copy in memory is made when it fits into its share of what is free, and asked anew each time. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { moveToTmpfs } from '../../activities/move-to-tmpfs.ts';
import { freeBytes } from '../../src/runner/scratch.ts';
import { flagsOf, hostDependencies } from './host-dependencies.ts';

let folder: string;
let ms: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'contimg-memory-'));
  ms = join(folder, 'group.ms');
  mkdirSync(ms);
  mkdirSync(join(folder, 'memory'));
  writeFileSync(join(ms, 'table.dat'), 'x'.repeat(100_000));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const move = (maxFreeFraction: number) => {
  const values = { 'paths.input': folder, 'paths.output': folder, 'paths.tmpfs': join(folder, 'memory') };
  const dependencies = hostDependencies(flagsOf(values), folder);
  const attempt = { groupId: '2025-10-02T00:05:18', runId: 'run', runNumber: 1, step: 'moveToTmpfs', attempt: 1 } as const;
  const order = { attempt, requestedAt: '2025-10-02T12:00:00Z', parameters: { enabled: true, maxFreeFraction }, ms };
  return moveToTmpfs(dependencies)(order, { signal: new AbortController().signal, progress: () => undefined });
};

test('a set that fits is copied, and the one in scratch stays', async () => {
  const { output, bytesWritten } = await move(0.8);
  expect(output).toEqual({ ms: expect.stringContaining(join(folder, 'memory', 'contimg')), bytes: 100_000 });
  expect([existsSync(join(output.ms ?? '', 'table.dat')), existsSync(ms), bytesWritten]).toEqual([true, true, 100_000]);
});

test('a set above the share of what is free is not copied, and the step says why', async () => {
  // A share of the free bytes that is half of what the set needs.
  const { output, note, bytesWritten } = await move(50_000 / (await freeBytes(folder)));
  expect({ output, bytesWritten }).toEqual({ output: { ms: null, bytes: 0 }, bytesWritten: 0 });
  expect(note).toMatch(/do not fit into .* % of what is free/);
  expect(existsSync(join(folder, 'memory', 'contimg'))).toBe(false);
});
