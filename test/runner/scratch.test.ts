/** Giving back scratch: everything goes but what explains a failed attempt. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { attemptScratch, releaseRun, releaseRunButCapsules } from '../../src/runner/scratch.ts';

const place = { groupId: '2025-10-01T12:58:16', runId: 'run-1' };
let scratch: string;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'contimg-scratch-'));
});
afterEach(() => rmSync(scratch, { recursive: true }));

function attempt(step: string, files: string[]): string {
  const folder = attemptScratch(scratch, { ...place, step, attempt: 1 });
  mkdirSync(join(folder, 'half.ms'), { recursive: true });
  for (const file of [...files, 'half.ms/table.dat']) writeFileSync(join(folder, file), '0123456789');
  return folder;
}

test('the capsule of a failed attempt stays with its request and log; data and attempts that did not fail go', async () => {
  const done = attempt('concat', ['request.json', 'step.log']);
  const failed = attempt('flag', ['capsule.json', 'request.json', 'step.log', 'flag-statistics.json']);
  expect(await releaseRunButCapsules(scratch, place)).toBe(50);
  expect(existsSync(done)).toBe(false);
  expect(readdirSync(failed).sort()).toEqual(['capsule.json', 'request.json', 'step.log']);
  expect(await releaseRun(scratch, place)).toBe(30);
  expect(readdirSync(scratch)).toEqual([]);
});

test('a run that left no capsule leaves no folder; one that is gone already is no error; another run is not touched', async () => {
  attempt('concat', ['request.json']);
  const other = attemptScratch(scratch, { ...place, runId: 'run-2', step: 'concat', attempt: 1 });
  mkdirSync(other, { recursive: true });
  await releaseRunButCapsules(scratch, place);
  expect(await releaseRunButCapsules(scratch, place)).toBe(0);
  expect(readdirSync(join(scratch, place.groupId))).toEqual(['run-2']);
});
