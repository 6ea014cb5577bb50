/**
 * The watcher against real files, a real database and a real directory: what becomes of each kind of arrival.
 */
import { appendFile, chmod, link, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { jest } from '@jest/globals';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openForWriting, type WritableCatalog } from '../../src/catalog/database.ts';
import { aliasesOf } from '../../src/catalog/group-aliases.ts';
import { listGroups } from '../../src/catalog/groups.ts';
import { fileByPath, membersOf, type SubbandFileRow } from '../../src/catalog/subband-files.ts';
import { loadSettings } from '../../src/config/load.ts';
import type { Settings } from '../../src/config/settings.ts';
import type { SubbandArrival } from '../../src/domain/arrival.ts';
import type { Announce } from '../../src/ingest/announcer.ts';
import { createIngest, type Ingest } from '../../src/ingest/ingest.ts';
import { watchHeartbeats } from '../../src/ingest/watch-status.ts';
import { nameOf, t0JdOf, writeTinyFile } from './tiny-uvh5.ts';

const START = '2025-10-02T00:05:18';
const NAME = '2025-10-02T00:05:19';
const quiet = { info: () => undefined, warn: () => undefined };

// Starting a header thread takes half a second, more on a busy machine.
jest.setTimeout(20_000);

let base: string;
let input: string;
let outside: string;
let catalog: WritableCatalog;
let settings: Settings;
let told: { groupId: string; arrival: SubbandArrival; lane: string; runNumber: number }[];

const announce: Announce = async (groupId, { lane, runNumber }, arrival) => {
  told.push({ groupId, arrival, lane, runNumber });
  return 'told';
};

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'contimg-ingest-'));
  [input, outside] = [join(base, 'in'), join(base, 'elsewhere')];
  await mkdir(input);
  await mkdir(outside);
  told = [];
  const flags = [
    ['paths.input', input],
    ['paths.state', join(base, 'state')],
    ['paths.output', join(base, 'out')],
    ['watch.settleS', 0.05],
    ['watch.admissionS', 0.5],
    ['watch.rescanS', 0.3],
  ].map(([key, value]) => ({ key: String(key), value, name: 'test' }));
  settings = loadSettings({ flags }).settings;
  catalog = openForWriting(settings.paths.database, { role: 'watch' });
});

afterEach(async () => {
  catalog.close();
  await rm(base, { recursive: true });
});

const ingest = (): Promise<Ingest> => createIngest({ settings, database: catalog.database, announce, log: quiet });
const scanOnce = async (): Promise<void> => {
  await (await ingest()).once();
};
const place = (subband: number, name = NAME): string => join(input, nameOf(name, subband));
const put = async (subband: number, changes: Partial<Parameters<typeof writeTinyFile>[1]> = {}, name = NAME): Promise<string> => {
  const path = place(subband, name);
  await writeTinyFile(path, { subband, t0Jd: t0JdOf(START), ...changes });
  return path;
};
const row = (path: string): SubbandFileRow => {
  const found = fileByPath(catalog.database, path);
  if (found === null) throw new Error(`no row for ${path}`);
  return found;
};
const statusOf = (path: string): string | undefined => fileByPath(catalog.database, path)?.status;
const groups = (): string[] => listGroups(catalog.database, { limit: 200 }).groups.map((group) => group.group_id);
const presentIn = (groupId: string): number[] => membersOf(catalog.database, groupId).map((member) => member.subband);

/** Waits for what the running watcher is about to do; the bound is far above its intervals of 0.05…0.5 s. */
async function eventually(condition: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + 8000;
  while (!condition()) {
    if (performance.now() > deadlineMs) throw new Error('it did not happen within 8 s');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function watching(work: () => Promise<void>): Promise<void> {
  const watcher = await ingest();
  await watcher.start();
  try {
    await work();
  } finally {
    await watcher.stop();
  }
}

describe('what is on disk when the watcher starts', () => {
  test('files become one group named by their header, with the names as aliases, and each is announced once', async () => {
    await put(0, {}, '2025-10-02T00:05:20');
    await put(7);
    await scanOnce();
    expect(groups()).toEqual([START]);
    expect(presentIn(START)).toEqual([0, 7]);
    expect(aliasesOf(catalog.database, groupIdOf(START)).map(({ alias }) => alias)).toEqual([NAME, '2025-10-02T00:05:20']);
    await scanOnce();
    expect(told.map(({ groupId, arrival }) => [groupId, arrival.subband])).toEqual([
      [START, 0],
      [START, 7],
    ]);
  });

  test('raw files and their directory are not touched', async () => {
    const path = await put(3);
    const before = [await stat(path, { bigint: true }), await stat(input, { bigint: true }), await readFile(path)] as const;
    await scanOnce();
    const after = [await stat(path, { bigint: true }), await stat(input, { bigint: true }), await readFile(path)] as const;
    expect(after.map((item) => ('mtimeNs' in item ? [item.mtimeNs, item.ctimeNs, item.size] : item))).toEqual(
      before.map((item) => ('mtimeNs' in item ? [item.mtimeNs, item.ctimeNs, item.size] : item)),
    );
    expect(await readdir(input)).toEqual([nameOf(NAME, 3)]);
  });

  test('a group may lack sb00, and cross midnight and five-minute marks', async () => {
    const start = '2025-10-02T23:59:58';
    await put(5, { t0Jd: t0JdOf(start) }, '2025-10-02T23:59:59');
    await put(6, { t0Jd: t0JdOf(start) }, '2025-10-03T00:00:01');
    await scanOnce();
    expect(groups()).toEqual([start]);
    expect(presentIn(start)).toEqual([5, 6]);
  });

  test('two declinations at one time are two groups; the second gets the next free second and an alias', async () => {
    await put(1);
    await put(2, { decRad: 0.66 });
    await scanOnce();
    expect(groups()).toEqual(['2025-10-02T00:05:19', START]);
    expect(aliasesOf(catalog.database, groupIdOf('2025-10-02T00:05:19')).map(({ alias }) => alias)).toEqual([START]);
  });

  test('zero bytes, a cut file and foreign bytes wait as settling, and are invalid when their time is over', async () => {
    const whole = await put(9);
    await writeFile(place(1), '');
    await writeFile(place(2), (await readFile(whole)).subarray(0, 9000));
    await writeFile(place(3), 'this is not a file of the correlator, whatever its name');
    await watching(async () => {
      await eventually(() => [1, 2, 3].every((subband) => statusOf(place(subband)) === 'settling'));
      await eventually(() => [1, 2, 3].every((subband) => statusOf(place(subband)) === 'invalid'));
    });
    expect([1, 2, 3].map((subband) => row(place(subband)).reason?.split(':')[0])).toEqual(['EmptyFile', 'Truncated', 'NotHdf5']);
    expect(row(place(1)).shown_with_group_id).toBe(START);
    expect(groups()).toEqual([START]);
  });

  test('files marked corrupt are shown and never opened; unfinished, foreign and odd names found no group', async () => {
    const marked = `${place(4)}.corrupted`;
    await writeFile(marked, 'x');
    await writeFile(join(input, `${NAME}_sb05_incomplete.hdf5`), 'x');
    await writeFile(join(input, `.${nameOf(NAME, 6)}.Xa91zK`), 'x');
    await writeFile(join(input, 'notes.txt'), 'x');
    const status = await (await ingest()).once();
    expect(row(marked)).toMatchObject({ status: 'invalid', subband: 4, name_time_text: NAME });
    expect(row(marked).reason).toMatch(/^MarkedCorrupt/);
    expect(status).toMatchObject({ files_seen: 4, incomplete: 1, copies_in_progress: 1, foreign: 1, rejected_since_start: 1 });
    expect(groups()).toEqual([]);
  });

  test('a newline in a name, a link out of the tree, a directory and a dangling link are refused unopened', async () => {
    const real = await put(8);
    await rename(real, join(outside, 'real.hdf5'));
    await symlink(join(outside, 'real.hdf5'), place(8));
    const odd = join(input, `${NAME}_sb0\n2.hdf5`);
    await writeFile(odd, 'x');
    await symlink('nowhere', place(10));
    await scanOnce();
    for (const path of [place(8), odd, place(10)]) expect(row(path).reason).toMatch(/^UnsafePath/);
    expect(row(odd).reason).toContain('\\n');
    expect(groups()).toEqual([]);
  });

  test('a link that stays inside the tree, and a file in a folder of it, are taken', async () => {
    await mkdir(join(input, 'night'));
    const real = await put(8);
    await rename(real, join(input, 'night', nameOf(NAME, 8)));
    await put(9);
    await scanOnce();
    expect(presentIn(START)).toEqual([8, 9]);
  });

  test('a file without read permission waits and is taken when its rights are mended', async () => {
    if (process.getuid?.() === 0) return; // root reads everything
    const path = await put(8);
    await chmod(path, 0);
    await watching(async () => {
      await eventually(() => statusOf(path) === 'settling');
      await chmod(path, 0o644);
      await eventually(() => statusOf(path) === 'valid');
    });
    expect(presentIn(START)).toEqual([8]);
  });
});

const groupIdOf = (text: string) => {
  const found = listGroups(catalog.database, { limit: 200 }).groups.find((group) => group.group_id === text);
  if (found === undefined) throw new Error(`no group ${text}`);
  return found.group_id;
};

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
