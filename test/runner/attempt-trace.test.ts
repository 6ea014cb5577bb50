/** The trace of an attempt (`--profile`), of a real process group that computes and writes. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTrace, tracePath } from '../../src/runner/attempt-trace.ts';
import { startProcessGroup } from '../../src/runner/process-group.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'contimg-trace-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A child of the leader burns a third of a second of CPU time, and 4 MB are written through to the disk. */
const WORK = `
const end = process.cpuUsage().user + 300e3; while (process.cpuUsage().user < end);
const { openSync, writeSync, fsyncSync } = require('node:fs');
const file = openSync(process.argv[1], 'w'); writeSync(file, Buffer.alloc(4e6)); fsyncSync(file); setTimeout(() => {}, 400);`;

test('ten times a second it notes the CPU time, memory and storage traffic of the whole group', async () => {
  const path = tracePath(folder, { groupId: '2025-10-02T00:05:18', runId: 'run', step: 'flag', attempt: 2 });
  expect(path).toBe(join(folder, 'profiles', '2025-10-02T00:05:18', 'run', 'flag-2.csv'));
  const command = ['/bin/sh', '-c', `${process.execPath} -e '${WORK.replaceAll("'", '"')}' ${join(folder, 'written')}; true`];
  const group = await startProcessGroup({ command, cwd: folder, env: {} });
  const end = startTrace({ path, hz: 10 }, group.pid);
  await group.done;
  end();
  const [header, ...lines] = readFileSync(path, 'utf8').trim().split('\n');
  expect(header).toBe('elapsed_s,cpu_s,rss_bytes,read_bytes,written_bytes');
  const rows = lines.map((line) => line.split(',').map(Number));
  const elapsedS = rows.at(-1)?.[0] ?? 0;
  expect(rows.length).toBeGreaterThan(3);
  // A busy machine skips samples and never adds any.
  expect(rows.length).toBeLessThanOrEqual(10 * elapsedS + 2);
  const most = (column: number): number => Math.max(...rows.map((row) => row[column] ?? 0));
  expect(most(1)).toBeGreaterThan(0.2);
  expect(most(2)).toBeGreaterThan(2e7);
  expect(most(4)).toBeGreaterThan(3e6);
});
