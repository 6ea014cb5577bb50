/**
 * What went wrong on this path in earlier generations of the pipeline, one test each, named by the defect. Those of
 * conversion and of workflows are tested beside them.
 */
import { spawnSync } from 'node:child_process';
import { appendFile, copyFile, link, readdir, readFile, rename, truncate, utimes, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { aliasesOf, resolveGroup } from '../../src/catalog/group-aliases.ts';
import { groupById } from '../../src/catalog/groups.ts';
import { membersOf } from '../../src/catalog/subband-files.ts';
import { runSql } from '../../src/catalog/statement.ts';
import { workflowIdOfGroup } from '../../src/domain/group-id.ts';
import { t0JdOf, writeTinyFile } from './tiny-uvh5.ts';
import {
  START, NAME, input, outside, catalog, settings, told, scanOnce, place, put, row, statusOf, groups, presentIn, eventually, watching, groupIdOf,
  useWatchedDirectory,
} from './watched-directory.ts'; // biome-ignore format: a list of names

useWatchedDirectory();

/** As the group's workflow leaves it when all is done. */
function finish(groupId: string): void {
  for (const state of ['pending', 'in_progress', 'completed']) {
    runSql(catalog.database, 'UPDATE groups SET state = :state, run_id = :run, run_number = 1 WHERE group_id = :groupId', {
      state,
      run: 'r',
      groupId,
    });
  }
}

test('a repeated file event or a restart re-arms a finished group', async () => {
  await put(0);
  await scanOnce();
  finish(START);
  await watching(async () => {
    const now = Date.now() / 1000;
    await utimes(place(0), now, now); // an event, and another version of the same content
    await eventually(() => told.length === 1 && row(place(0)).mtime_ms > (now - 1) * 1000 && row(place(0)).announced_at !== null);
  });
  await scanOnce();
  expect(told).toHaveLength(1);
  expect(row(place(0)).reason).toBe('late: the group is completed and its set lacks nothing that this file brings');
  expect(groupById(catalog.database, START)?.state).toBe('completed');
});

test('a second file for a subband raises and is swallowed', async () => {
  const [first, second] = [await put(0), await put(0, { level: 2 }, '2025-10-02T00:05:22')];
  await utimes(first, 1000, 1000);
  await scanOnce();
  expect([statusOf(first), statusOf(second)]).toEqual(['superseded', 'valid']);
  expect(row(first).reason).toBe(`rival: a newer file for the same subband is ${second}`);
});

test('a file that fails at its creation event is never looked at again because events switch polling off', async () => {
  settings.watch.admissionS = 60; // time enough to see it wait
  const [hidden, made, path] = [join(outside, 'same-inode'), join(outside, 'made'), place(1)];
  await writeTinyFile(made, { subband: 1, t0Jd: t0JdOf(START) });
  await writeFile(hidden, '');
  await watching(async () => {
    await link(hidden, path);
    await eventually(() => statusOf(path) === 'settling');
    // Written through its other name: the watched directory has no event of it.
    await writeFile(hidden, await readFile(made));
    await eventually(() => statusOf(path) === 'valid');
  });
  expect(presentIn(START)).toEqual([1]);
});

test('a straggler after the claim founds an orphan group', async () => {
  await put(0);
  await scanOnce();
  finish(START);
  await put(9, {}, '2025-10-02T00:06:59');
  await scanOnce();
  expect(groups()).toEqual([START]);
  expect(row(place(9, '2025-10-02T00:06:59'))).toMatchObject({
    group_id: START,
    status: 'valid',
    reason: 'late: the group is completed and its set lacks nothing that this file brings',
  });
});

test('names, not headers, decide groups', async () => {
  const next = '2025-10-02T00:10:13'; // 295 s later, the shortest distance ever seen
  await put(0, {}, NAME);
  await put(1, { t0Jd: t0JdOf(next) }, NAME);
  await put(2, {}, '2025-10-02T00:10:12');
  await scanOnce();
  expect(groups()).toEqual([next, START]);
  expect([presentIn(START), presentIn(next)]).toEqual([[0, 2], [1]]);
});

test('ids are cut at five minutes', async () => {
  const starts = ['2025-10-02T00:00:03', '2025-10-02T00:04:58', '2025-10-02T00:10:07'];
  for (const [subband, start] of starts.entries()) await put(subband, { t0Jd: t0JdOf(start) }, start);
  await scanOnce();
  expect(groups().toReversed()).toEqual(starts);
});

test('an id is renamed after rows refer to it, when sb00 comes last under another name', async () => {
  await put(5, {}, '2025-10-02T00:05:40');
  await scanOnce();
  await put(0, {}, '2025-10-02T00:05:10');
  await scanOnce();
  expect(groups()).toEqual([START]);
  expect(resolveGroup(catalog.database, '2025-10-02T00:05:10')).toEqual({ kind: 'found', groupId: START });
  expect(aliasesOf(catalog.database, groupIdOf(START))).toHaveLength(2);
});

test('a group without sb00 is refused', async () => {
  for (const subband of [1, 2, 3]) await put(subband);
  await scanOnce();
  expect(presentIn(START)).toEqual([1, 2, 3]);
});

test('raw files are renamed on disk to one time', async () => {
  const names = [await put(0, {}, '2025-10-02T00:05:18'), await put(1, {}, '2025-10-02T00:05:20')].map((path) => basename(path));
  await scanOnce();
  expect((await readdir(input)).sort((a, b) => a.localeCompare(b))).toEqual(names);
});

test('there are two definitions of a group’s id at once', async () => {
  await put(3, {}, '2025-10-02T00:05:40');
  await scanOnce();
  const group = groupById(catalog.database, START);
  expect([group?.group_id, group?.workflow_id, group?.observed_at]).toEqual([START, workflowIdOfGroup(groupIdOf(START)), `${START}Z`]);
  expect(told.map(({ groupId }) => groupId)).toEqual([START]);
  expect(row(place(3, '2025-10-02T00:05:40')).group_id).toBe(START);
});

test('subbands are taken by order of arrival or of name', async () => {
  // Names ascend while subbands descend, and they come in a third order.
  for (const subband of [4, 0, 2, 3, 1]) await put(subband, {}, `2025-10-02T00:05:2${5 - subband}`);
  await scanOnce();
  expect(membersOf(catalog.database, START).map(({ subband, path }) => [subband, path.slice(-9, -5).includes(`sb0${subband}`)])).toEqual(
    [0, 1, 2, 3, 4].map((subband) => [subband, true]),
  );
  await rename(place(4, '2025-10-02T00:05:21'), place(6, '2025-10-02T00:05:21'));
  await scanOnce();
  expect(row(place(6, '2025-10-02T00:05:21')).reason).toBe('BadFrequencies: name says sb06, channels are sb04’s');
});

test('a rewrite or copy is seen as complete because it exists', async () => {
  const path = await put(0);
  await scanOnce();
  const content = await readFile(path);
  await truncate(path, 5000);
  await scanOnce();
  expect(row(path)).toMatchObject({ status: 'settling', reason: expect.stringMatching(/^Truncated: 0.005 of /) });
  expect(presentIn(START)).toEqual([]);
  await appendFile(path, content.subarray(5000));
  await scanOnce();
  expect(presentIn(START)).toEqual([0]);
});

test('the time in a name is used as the time of observation', async () => {
  await put(0, {}, '2025-10-02T00:06:40');
  await scanOnce();
  expect(groupById(catalog.database, START)?.observed_at).toBe(`${START}Z`);
});

test('a name that does not parse becomes a group of now', async () => {
  for (const name of ['2025-10-02T25:05:18_sb03.hdf5', 'unknown_sb03.hdf5', '20251002T000518_sb03.hdf5']) {
    await copyFile(await put(3), join(input, name));
  }
  await scanOnce();
  expect(groups()).toEqual([START]);
});

test('a channel’s sign of width is trusted', async () => {
  const width = (250e6 / 8192) * 64;
  for (const [subband, sign] of [1, -1].entries()) {
    await put(subband, { header: { channel_width: { data: Float64Array.of(sign * width), shape: [] } } });
  }
  await scanOnce();
  const [plus, minus] = membersOf(catalog.database, START);
  expect(plus?.gridDigest).toBe(minus?.gridDigest);
});

test('ignore rules keep source files out of the repository', () => {
  const sources = [
    'src/ingest/watch-status.ts',
    'src/cli/watch.ts',
    'science/contimg_science/fuse.py',
    'src/any/state.ts',
    'activities/publish.ts',
  ];
  const { status, stdout } = spawnSync('git', ['check-ignore', '--no-index', ...sources], { encoding: 'utf8' });
  expect([status, stdout]).toEqual([1, '']);
});

test('there is more than one site constant', () => {
  // The header of each file is what counts; one default for the configuration, one for what the simulator writes.
  const folders = ['src', 'workflows', 'activities', 'science/contimg_science', 'ops'];
  const { stdout } = spawnSync('git', ['grep', '-hoE', '118\\.2[78][0-9]*', '--', ...folders.flatMap((f) => [`${f}/*.ts`, `${f}/*.py`])], {
    encoding: 'utf8',
  });
  expect(new Set(stdout.trim().split('\n').map(Number))).toEqual(new Set([118.283]));
});
