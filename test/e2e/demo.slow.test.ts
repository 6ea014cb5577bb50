/**
 * The demo is the promise of the README: it runs whole, comes back with what was injected, and leaves a database on which the
 * operators' documented SQL lines run as printed.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';

const root = resolve(import.meta.dirname, '..', '..');
const database = join(root, '.demo', 'state', 'db', 'pipeline.sqlite3');
const sqlite = (sql: string): string => execFileSync('sqlite3', [database, sql], { encoding: 'utf8' }).trim();
let demo: { status: number | null; stdout: string; stderr: string };

beforeAll(() => {
  demo = spawnSync(process.execPath, [join(root, 'ops', 'demo', 'demo.ts')], {
    env: { ...process.env, DEMO_EXIT: '1' },
    encoding: 'utf8',
    timeout: 14 * 60_000,
  });
}, 15 * 60_000);

test('the demo ends with code 0 and says that all came back', () => {
  expect({ code: demo.status, last: demo.stdout.trim().split('\n').at(-1), stderr: demo.stderr }).toEqual({
    code: 0,
    last: 'all that was injected came back',
    stderr: '',
  });
});

test('the doubling source, and no other, is found variable', () => {
  expect(demo.stdout.match(/VARIABLE/g)).toHaveLength(1);
  expect(sqlite('SELECT COUNT(*) FROM variability WHERE is_variable')).toBe('1');
  expect(sqlite('SELECT v.is_variable, c.status FROM candidates c JOIN variability v ON v.source_id = c.source_id')).toBe('1|new');
});

test('every group has one ledger row with an outcome and a reason', () => {
  expect(sqlite("SELECT COUNT(*), SUM(outcome IN ('done', 'degraded') AND reason <> '') FROM ledger WHERE group_id IS NOT NULL")).toBe(
    '8|8',
  );
});

test('a late subband ends in a second version that supersedes the first, a corrupt one in a declared degradation', () => {
  expect(sqlite("SELECT status, COUNT(*) FROM products WHERE kind = 'ms' GROUP BY status ORDER BY status")).toBe('current|8\nsuperseded|1');
  expect(sqlite("SELECT COUNT(*) FROM groups WHERE degraded_reasons LIKE '%subbands_missing%'")).toBe('1');
  expect(sqlite("SELECT COUNT(*) FROM subband_files WHERE status = 'invalid' AND reason <> ''")).toBe('1');
});

const lineageNode = z.looseObject({
  kind: z.string(),
  path: z.string().nullable(),
  hash: z.string().nullable(),
  software: z.record(z.string(), z.string()).nullable(),
  attempts: z.array(z.looseObject({ step: z.string(), outcome: z.string(), parameters_digest: z.string() })),
});

test('a point leads back to the raw files by the hashes they really have, and to what made each thing', () => {
  const point = sqlite('SELECT MAX(id) FROM measurements WHERE superseded = 0');
  const told = execFileSync(join(root, 'ops', 'bin', 'contimg'), ['lineage', `point/${point}`, '--json', '--queue-db', database]);
  const { nodes } = z.looseObject({ nodes: z.array(lineageNode) }).parse(JSON.parse(told.toString()).data);
  const files = nodes.filter(({ kind }) => kind === 'file');
  // A science group and the group of its calibrator; one subband of one group may be missing.
  expect(files.length).toBeGreaterThanOrEqual(31);
  for (const { path, hash } of files)
    expect(
      createHash('sha256')
        .update(readFileSync(path ?? ''))
        .digest('hex'),
    ).toBe(hash);
  for (const kind of ['ms', 'calibration_set', 'image']) {
    const made = nodes.filter((node) => node.kind === kind);
    expect(made.length).toBeGreaterThan(0);
    for (const { software, attempts } of made)
      expect([software?.['numpy'], attempts.at(-1)?.outcome]).toEqual([expect.any(String), 'done']);
  }
  expect(nodes.find(({ kind }) => kind === 'image')?.software).toHaveProperty('wsclean');
});

test.each([
  ['SELECT group_id, state, processing_stage, retry_count, error FROM ingest_queue ORDER BY received_at DESC LIMIT 10;', 8],
  ['SELECT group_id, total_time, load_time, phase_time, write_time FROM performance_metrics ORDER BY recorded_at DESC LIMIT 10;', 9],
  ['SELECT state, COUNT(*) FROM ingest_queue GROUP BY state;', 1],
  ['SELECT state, COUNT(*) FROM processing_queue GROUP BY state', 1],
  ["SELECT group_id, state, error FROM processing_queue WHERE state='in_progress'", 0],
])('the operators’ line runs as printed: %s', (sql, rows) => {
  expect(sqlite(sql).split('\n').filter(Boolean)).toHaveLength(rows);
});
