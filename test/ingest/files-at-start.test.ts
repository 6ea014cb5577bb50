/**
 * What becomes of each kind of file that is on disk when the watcher starts.
 */
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { aliasesOf } from '../../src/catalog/group-aliases.ts';
import { nameOf, t0JdOf } from './tiny-uvh5.ts';
import {
  START,
  NAME,
  input,
  catalog,
  told,
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
  groupIdOf,
  useWatchedDirectory,
} from './watched-directory.ts';

useWatchedDirectory();

describe('what is on disk when the watcher starts', () => {
  test('files become one group named by their header, with the names as aliases, and each is announced once', async () => {
    await put(0, {}, '2025-10-02T00:05:20');
    await put(7);
    await scanOnce();
    expect(groups()).toEqual([START]);
    expect(presentIn(START)).toEqual([0, 7]);
    expect(aliasesOf(catalog.database, groupIdOf(START)).map(({ alias }) => alias)).toEqual([NAME, '2025-10-02T00:05:20']);
    await scanOnce();
    // A directory lists its entries in an order of its own.
    expect(told.map(({ groupId, arrival }) => `${groupId} ${arrival.subband}`).sort()).toEqual([`${START} 0`, `${START} 7`]);
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
});
