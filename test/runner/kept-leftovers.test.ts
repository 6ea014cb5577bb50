/** What failed steps leave is kept as long as asked and as long as a workflow claims it, and nothing else is ever removed. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeUnclaimed } from '../../src/runner/kept-leftovers.ts';

const HOUR_MS = 3_600_000;
const NOW_MS = Date.parse('2025-10-09T00:00:00Z');
const OPEN = '2025-10-01T12:58:16';
const CLOSED = '2025-10-01T13:03:25';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'contimg-kept-'));
});
afterEach(() => rmSync(root, { recursive: true }));

function aged(path: string, hours: number): string {
  const folder = join(root, path);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'capsule.json'), '{}');
  const at = new Date(NOW_MS - hours * HOUR_MS);
  for (let each = folder; each !== root; each = join(each, '..')) utimesSync(each, at, at);
  return folder;
}
const remove = (keepH: number): Promise<string[]> =>
  removeUnclaimed({
    scratch: join(root, 'work'),
    output: join(root, 'products'),
    keepMs: keepH * HOUR_MS,
    nowMs: NOW_MS,
    isClaimed: async (groupId, runId) => groupId === OPEN && (runId === null || runId === 'open-run'),
  });

test('scratch of closed runs goes after its time, of an open run never', async () => {
  const old = aged(`work/${CLOSED}/run-1/flag-1`, 100);
  const earlierRun = aged(`work/${OPEN}/closed-run/flag-1`, 100);
  const claimed = aged(`work/${OPEN}/open-run/flag-1`, 1000);
  const young = aged(`work/2025-10-01T13:08:34/run-1/flag-1`, 10);
  expect((await remove(72)).sort()).toEqual([join(earlierRun, '..'), join(old, '..')].sort());
  expect([old, earlierRun, claimed, young].map((folder) => existsSync(folder))).toEqual([false, false, true, true]);
});

test('a rejected set goes, the reason why it was rejected stays', async () => {
  const folder = `products/ms/failed/2025-10-01/${CLOSED}.v2.ms`;
  const salvaged = aged(`${folder}/salvaged.ms.failed`, 100);
  writeFileSync(join(root, folder, 'error.json'), '{}');
  const claimed = aged(`products/ms/failed/2025-10-01/${OPEN}.ms/salvaged.ms.failed`, 100);
  expect(await remove(72)).toEqual([salvaged]);
  expect(existsSync(join(root, folder, 'error.json'))).toBe(true);
  expect(existsSync(claimed)).toBe(true);
});

test('what does not bear the name of a group is not looked at, however old; an empty host is no error', async () => {
  expect(await remove(0)).toEqual([]);
  const foreign = [
    aged('work/.numba_cache/run/x', 1000),
    aged('work/keep me/run/x', 1000),
    aged('products/ms/science/2025-10-01/x.ms', 1000),
  ];
  expect(await remove(0)).toEqual([]);
  expect(foreign.every((folder) => existsSync(folder))).toBe(true);
});
