/**
 * Power cuts and single deaths, on a real `contimg up` that reads real subband files: nothing is lost, nothing is made
 * twice, the raw files are as they were, and nobody is left running.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { isAlive, processesNaming, type TreeProcess, treeBelow } from './process-tree.ts';
import { type Part, WholePipeline } from './whole-pipeline.ts';

const contimg = resolve(import.meta.dirname, '..', '..', 'ops', 'bin', 'contimg');

interface MadeFile {
  name: string;
  group_id: string;
  sha256: string;
}

let pipeline: WholePipeline;
/** Raw files of the calibrator transit and of the two science groups after it. */
let made: Map<string, MadeFile[]>;

beforeAll(async () => {
  pipeline = await WholePipeline.create();
  const { folder } = pipeline;
  const folders = ['--out', join(folder, 'made'), '--truth', join(folder, 'truth'), '--state-dir', join(folder, 'simulation')];
  await promisify(execFile)(contimg, ['simulate', ...folders, '--groups', '2', '--days', '1', '--sources', '3']);
  const truth: { files: MadeFile[] } = JSON.parse(readFileSync(join(folder, 'truth', 'truth.json'), 'utf8'));
  made = Map.groupBy(truth.files, (file) => file.group_id);
  writeFileSync(join(folder, `calibrator-${groupNumber(0)}`), '');
}, 120_000);
afterAll(() => pipeline.cleanUp(), 60_000);

const groupNumber = (index: number): string => [...made.keys()].sort()[index] ?? '';
const hold = (step: string): void => writeFileSync(join(pipeline.folder, `hold-${step}`), '');
const letGo = (step: string): void => rmSync(join(pipeline.folder, `hold-${step}`));

function deliver(files: readonly MadeFile[]): void {
  for (const { name } of files) renameSync(join(pipeline.folder, 'made', name), join(pipeline.incoming, name));
}
const filesOf = (index: number): MadeFile[] => made.get(groupNumber(index)) ?? [];

const timesRun = (step: string): number =>
  existsSync(join(pipeline.folder, 'calls.jsonl'))
    ? readFileSync(join(pipeline.folder, 'calls.jsonl'), 'utf8')
        .split('\n')
        .filter((line) => line.includes(`"step":"${step}"`)).length
    : 0;

const allCompleted = (groups: number) => async (): Promise<boolean> => {
  const queue = (await pipeline.status())?.queue;
  return queue?.completed === groups && Object.values(queue).reduce((sum, count) => sum + count, 0) === groups;
};

function expectWhole(groups: number): void {
  expect(pipeline.read('SELECT group_id, outcome FROM ledger WHERE group_id IS NOT NULL ORDER BY group_id')).toEqual(
    Array.from({ length: groups }, (_, index) => ({ group_id: groupNumber(index), outcome: 'done' })),
  );
  // One Measurement Set and one image a group, one calibration set, in the database and on disk; no second version.
  expect(pipeline.read('SELECT kind, status, count(*) AS n FROM products GROUP BY kind, status ORDER BY kind')).toEqual([
    { kind: 'calibration_set', status: 'current', n: 1 },
    { kind: 'image', status: 'current', n: groups },
    { kind: 'ms', status: 'current', n: groups },
  ]);
  const published = readdirSync(pipeline.products, { recursive: true, encoding: 'utf8' });
  expect(published.filter((path) => path.endsWith('.ms') && !path.startsWith('.work'))).toHaveLength(groups);
  for (const { name, sha256 } of Array.from({ length: groups }, (_, index) => filesOf(index)).flat()) {
    expect(
      createHash('sha256')
        .update(readFileSync(join(pipeline.incoming, name)))
        .digest('hex'),
    ).toBe(sha256);
  }
}

test('kill -9 of everything, twice, in different steps: started again, every group completes, once', async () => {
  const killed: TreeProcess[] = [];
  hold('validate');
  await pipeline.start();
  deliver([...filesOf(0), ...filesOf(1)]);
  await pipeline.until(
    'both groups are in work',
    async () => (await pipeline.status())?.queue.in_progress === 2 && timesRun('validate') >= 2,
  );
  const science = treeBelow(pipeline.pid).filter(({ command }) => command.includes('quick-science.mjs'));
  expect(science.length).toBeGreaterThanOrEqual(2);
  killed.push(...pipeline.killEverything());
  expect(killed.length).toBeGreaterThanOrEqual(6);

  letGo('validate');
  hold('image');
  await pipeline.start();
  await pipeline.until('a group is being imaged', () => timesRun('image') >= 1);
  killed.push(...pipeline.killEverything());

  letGo('image');
  await pipeline.start();
  await pipeline.until('both groups are completed', allCompleted(2));
  expectWhole(2);
  expect(killed.filter(isAlive)).toEqual([]);
  expect(timesRun('concat')).toBe(2);
}, 300_000);

test('watcher, API and Temporal, each killed alone while files arrive, are started again and lose nothing', async () => {
  const startedAgain = async (part: Part): Promise<void> => {
    const before = pipeline.pidOf(part);
    pipeline.kill(part);
    await pipeline.until(`${part} is started again`, () => {
      const now = pipeline.pidOf(part);
      return now !== null && now !== before;
    });
  };
  const files = filesOf(2);
  deliver(files.slice(0, 5));
  await startedAgain('watcher');
  deliver(files.slice(5, 10));
  await startedAgain('api');
  hold('flag');
  deliver(files.slice(10));
  await pipeline.until('the group is flagged', () => timesRun('flag') >= 3);
  await startedAgain('temporal');
  letGo('flag');
  await pipeline.until('the third group is completed', allCompleted(3));
  expectWhole(3);
}, 180_000);

test('ended as an operator ends it, it leaves no process behind', async () => {
  expect(processesNaming(pipeline.folder).length).toBeGreaterThanOrEqual(4);
  expect(await pipeline.stop()).toBe(0);
  expect(processesNaming(pipeline.folder)).toEqual([]);
}, 60_000);
