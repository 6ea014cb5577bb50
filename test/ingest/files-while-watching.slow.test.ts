/**
 * What becomes of files that come, grow, change and go while the watcher runs, and how workflows hear of them.
 */
import { appendFile, link, mkdir, readFile, rename, rm, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { membersOf } from '../../src/catalog/subband-files.ts';
import { watchHeartbeats } from '../../src/ingest/watch-status.ts';
import { createIngest } from '../../src/ingest/ingest.ts';
import { nameOf, t0JdOf, writeTinyFile } from './tiny-uvh5.ts';
import type { Announce } from '../../src/ingest/announcer.ts';
import {
  START,
  NAME,
  quiet,
  input,
  outside,
  catalog,
  settings,
  told,
  announce,
  ingest,
  scanOnce,
  place,
  put,
  row,
  statusOf,
  groups,
  presentIn,
  eventually,
  watching,
  useWatchedDirectory,
} from './watched-directory.ts';

useWatchedDirectory();

describe('what happens while the watcher runs', () => {
  test('a file that grows under its final name is taken once whole, never before', async () => {
    const content = await readFile(await put(3));
    await rm(place(3));
    await watching(async () => {
      const piece = Math.ceil(content.length / 6);
      for (let begin = 0; begin < content.length; begin += piece) {
        expect(membersOf(catalog.database, START)).toEqual([]);
        await appendFile(place(3), content.subarray(begin, begin + piece));
        await new Promise((resolve) => setTimeout(resolve, 120)); // longer than settling takes
      }
      await eventually(() => statusOf(place(3)) === 'valid');
    });
    expect(presentIn(START)).toEqual([3]);
  });

  test('a rename from an unfinished name is taken at the first look', async () => {
    settings.watch.settleS = 5; // far longer than the test waits
    await watching(async () => {
      const made = await put(3);
      const hidden = join(input, `.${nameOf(NAME, 4)}.Xa91zK`);
      await rename(made, hidden);
      await new Promise((resolve) => setTimeout(resolve, 400)); // one rescan sees the unfinished name
      await rename(hidden, made);
      await eventually(() => statusOf(made) === 'valid');
    });
    expect(told).toHaveLength(1);
  }, 10_000);

  test('a subband that arrives later joins its group', async () => {
    await put(0);
    await watching(async () => {
      await eventually(() => told.length === 1);
      await put(1);
      await eventually(() => told.length === 2);
    });
    expect(told.map(({ groupId, runNumber }) => [groupId, runNumber])).toEqual([
      [START, 1],
      [START, 1],
    ]);
  });

  test('a file that is removed is missing, and a copy of it takes its place', async () => {
    await put(0);
    const copy = place(0, '2025-10-02T00:05:21');
    await watching(async () => {
      await eventually(() => presentIn(START).length === 1);
      await link(place(0), copy);
      await eventually(() => statusOf(copy) === 'duplicate');
      await rm(place(0));
      await eventually(() => statusOf(place(0)) === 'missing' && statusOf(copy) === 'valid');
    });
    expect(membersOf(catalog.database, START).map(({ path }) => path)).toEqual([copy]);
  });

  test('a replaced file is a new version; the old one is superseded', async () => {
    const path = await put(0);
    await watching(async () => {
      await eventually(() => presentIn(START).length === 1);
      const first = row(path);
      await writeTinyFile(join(outside, 'new.hdf5'), { subband: 0, t0Jd: t0JdOf(START), level: 2 });
      await rename(join(outside, 'new.hdf5'), path);
      await eventually(() => row(path).id !== first.id && statusOf(path) === 'valid');
      expect(row(path).header_digest).not.toBe(first.header_digest);
    });
    expect(presentIn(START)).toEqual([0]);
  });

  test('of two recordings of one subband the newer wins, whichever is seen first', async () => {
    const [older, newer] = [await put(0, { level: 1 }), await put(0, { level: 2 }, '2025-10-02T00:05:21')];
    await utimes(older, 1000, 1000);
    await utimes(newer, 2000, 2000);
    await scanOnce();
    expect([statusOf(older), statusOf(newer)]).toEqual(['superseded', 'valid']);
    expect(membersOf(catalog.database, START).map(({ path }) => path)).toEqual([newer]);
  });

  test('events alone are enough: files, files of a folder that is moved in, and files that come into it later', async () => {
    settings.watch.rescanS = 3600;
    const folder = join(outside, '2025-10-02');
    await mkdir(folder);
    await put(1, {}, NAME, folder);
    await watching(async () => {
      await put(0);
      await rename(folder, join(input, '2025-10-02'));
      await eventually(() => presentIn(START).length === 2);
      await put(2, {}, NAME, join(input, '2025-10-02'));
      await eventually(() => presentIn(START).length === 3);
    });
    expect(presentIn(START)).toEqual([0, 1, 2]);
  }, 20_000);

  test('scans alone are enough: nothing is lost when events are off', async () => {
    settings.watch.events = false;
    settings.watch.pollS = 0.1;
    await watching(async () => {
      await put(0);
      await eventually(() => told.length === 1);
    });
    expect(watchHeartbeats(catalog.database)[0]?.status).toMatchObject({ mode: 'poll', mode_reason: 'switched off' });
  });
});

const silent: Announce = () => new Promise((_resolve, reject) => setTimeout(() => reject(new Error('no answer')), 3000));

describe('announcements', () => {
  test('files wait while Temporal is away and are told once it is back', async () => {
    let away = true;
    const flaky: Announce = async (...order) => {
      if (away) throw new Error('no connection');
      return announce(...order);
    };
    await put(0);
    await put(1);
    const watcher = await createIngest({ settings, database: catalog.database, announce: flaky, log: quiet });
    await watcher.start();
    await eventually(() => watcher.status().unannounced === 2);
    away = false;
    await eventually(() => told.length === 2);
    expect(watcher.status().unannounced).toBe(0);
    await watcher.stop();
  });

  test('the waiting files of a group go in one call, those of another in another', async () => {
    const calls: { groupId: string; subbands: string[] }[] = [];
    const counting: Announce = async (groupId, _input, arrivals) => {
      calls.push({ groupId, subbands: arrivals.map(({ subband }) => String(subband)) });
      return 'told';
    };
    for (const subband of [0, 1, 2]) await put(subband);
    await put(3, { decRad: 0.9 });
    const once = await createIngest({ settings, database: catalog.database, announce: counting, log: quiet });
    await once.once();
    expect(calls.map(({ subbands }) => subbands.sort().join(' ')).sort()).toEqual(['0 1 2', '3']);
    expect(once.status().unannounced).toBe(0);
  });

  test('a server that does not answer holds up no admission', async () => {
    await put(0);
    const watcher = await createIngest({ settings, database: catalog.database, announce: silent, log: quiet });
    await watcher.start();
    await eventually(() => statusOf(place(0)) === 'valid');
    await put(1);
    const begunMs = performance.now();
    await eventually(() => statusOf(place(1)) === 'valid');
    // Less than one wait for the server.
    expect(performance.now() - begunMs).toBeLessThan(2500);
    await watcher.stop();
  });

  test('a restart announces nothing twice and reads no header again', async () => {
    await put(0);
    await scanOnce();
    const status = await (await ingest()).once();
    expect(status.admitted_since_start).toBe(0);
    expect(told).toHaveLength(1);
  });

  test('sixteen files in any order are one group with sixteen members', async () => {
    for (const subband of [15, 3, 8, 0, 1, 14, 2, 13, 4, 12, 5, 11, 6, 10, 7, 9]) await put(subband);
    await scanOnce();
    expect(groups()).toEqual([START]);
    expect(presentIn(START)).toEqual(Array.from({ length: 16 }, (_, subband) => subband));
    expect(new Set(told.map(({ arrival }) => arrival.gridDigest)).size).toBe(1);
  });
});
