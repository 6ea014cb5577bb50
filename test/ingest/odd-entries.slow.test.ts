/**
 * Entries of the input directory that are no plain files under plain names: what is taken, what is refused unopened, what is
 * only counted; and that nothing there is ever changed.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFile, lstat, mkdir, readdir, readFile, readlink, rename, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { filesNotTaken } from '../../src/ingest/not-taken.ts';
import { Scanner } from '../../src/ingest/scanner.ts';
import { Intake } from '../../src/ingest/intake.ts';
import { createHeaderReader } from '../../src/ingest/header-reader.ts';
import { nameOf } from './tiny-uvh5.ts';
import {
  START, NAME, input, outside, catalog, settings, ingest, scanOnce, place, put, row, statusOf, groups, presentIn, useWatchedDirectory,
} from './watched-directory.ts'; // biome-ignore format: a list of names

useWatchedDirectory();

describe('folders', () => {
  const folders = ['night ü', 'two  spaces ', `it's "odd" 50%_$(x);&|*?`, '%2e%2e', '-rf', '日本', 'a'.repeat(200)];
  test('files in folders with odd names are taken', async () => {
    const paths: string[] = [];
    for (const [subband, folder] of folders.entries()) {
      await mkdir(join(input, folder));
      paths.push(await put(subband, {}, NAME, join(input, folder)));
    }
    await scanOnce();
    expect(paths.map(statusOf)).toEqual(folders.map(() => 'valid'));
    expect(presentIn(START)).toEqual([...folders.keys()]);
  });

  test.each(['new\nline', 'bell\u0007', 'tab\t', 'line\u2028separator'])(
    'a file in a folder with a control character is refused (%j)',
    async (folder) => {
      await mkdir(join(input, folder));
      const path = await put(8, {}, NAME, join(input, folder));
      await scanOnce();
      expect(row(path).reason).toMatch(/^UnsafePath: control character in the folder of [^\p{Cc}\u2028]+$/u);
      expect(groups()).toEqual([]);
    },
  );

  test('a folder whose name is not UTF-8 is a problem of the scan, not a silence', async () => {
    await mkdir(Buffer.concat([Buffer.from(`${input}/bad`), Buffer.of(0xff)]));
    expect((await (await ingest()).once()).last_scan_problem).toMatch(/its name is not UTF-8, so that what it holds cannot be opened/);
  });

  test('a folder whose name starts with a dot is left alone', async () => {
    await mkdir(join(input, '.rsync-partial'));
    await put(8, {}, NAME, join(input, '.rsync-partial'));
    expect(await (await ingest()).once()).toMatchObject({ files_seen: 0, last_scan_problem: null });
  });
});

describe('what is refused unopened', () => {
  const refused: [what: string, make: (path: string) => Promise<unknown> | void, reason: RegExp][] = [
    ['a link out of the tree', (path) => symlink(join(outside, 'real.hdf5'), path), /^UnsafePath: a link to .*elsewhere\/real.hdf5, outside the input directory$/],
    ['a link up and out of the tree', (path) => symlink('../elsewhere/real.hdf5', path), /^UnsafePath: a link to .*elsewhere\/real.hdf5, outside/],
    ['a dangling link', (path) => symlink('nowhere', path), /^UnsafePath: a link that leads nowhere$/],
    ['a link to itself', (path) => symlink(basename(path), path), /^UnsafePath: a link that leads back to itself$/],
    ['a link to a folder in the tree', async (path) => { await mkdir(join(input, 'night')); await symlink('night', path); }, /^UnsafePath: .* leads to something that is not a file$/],
    ['a link to the input directory', (path) => symlink('.', path), /^UnsafePath: /],
    ['a folder under a file’s name', (path) => mkdir(path), /^UnsafePath: .* is not a regular file$/],
    ['a pipe', (path) => void execFileSync('mkfifo', [path]), /^UnsafePath: .* is not a regular file$/],
  ]; // biome-ignore format: a table
  test.each(refused)('%s', async (_what, make, reason) => {
    await rename(await put(8), join(outside, 'real.hdf5'));
    await make(place(8));
    await scanOnce();
    expect(row(place(8))).toMatchObject({ status: 'invalid', reason: expect.stringMatching(reason) });
    expect(groups()).toEqual([]);
    expect(filesNotTaken(catalog.database, input)).toEqual([
      expect.objectContaining({ path: place(8), remedy: expect.stringMatching(/^Move a regular file with a plain name/) }),
    ]);
  });

  test('a name with a newline, with the name escaped in its reason', async () => {
    const path = join(input, `${NAME}_sb0\n8.hdf5`);
    await rename(await put(8), path);
    await scanOnce();
    expect(row(path).reason).toBe(`UnsafePath: control character in the name ${NAME}_sb0\\n8.hdf5`);
  });
});

test('a link inside the tree and the file it leads to are one member and a duplicate', async () => {
  await mkdir(join(input, 'night'));
  const real = await put(8, {}, NAME, join(input, 'night'));
  await symlink(`night/${basename(real)}`, place(8));
  await scanOnce();
  expect([statusOf(real), statusOf(place(8))]).toEqual(expect.arrayContaining(['duplicate', 'valid']));
});

describe('names that are not ours', () => {
  const names = [
    'notes.txt', `${NAME}_sb16.hdf5`, `${NAME}_sb3.hdf5`, `${NAME}.hdf5`, `${NAME}Z_sb03.hdf5`, '2025-13-02T00:05:19_sb03.hdf5', '2025-02-30T00:05:19_sb03.hdf5',
    `${NAME}_sb03.h5`, `${NAME}_sb03.hdf5.gz`, `copy of ${NAME}_sb03.hdf5`, `${NAME}_sb03 (1).hdf5`, `${NAME}_SB03.hdf5`,
  ]; // biome-ignore format: a list of names
  test('are counted, named by example once an hour, and make no row', async () => {
    for (const name of names) await writeFile(join(input, name), 'x');
    let hours = 0;
    const said: object[] = [];
    const log = { info: (fields: object) => void said.push(fields), warn: () => undefined };
    const reader = createHeaderReader({ deadlineMs: 5000 });
    const [nowMs, monotonicMs] = [Date.now, () => hours * 3_600_000];
    const use = { directory: input, log, monotonicMs, nowMs };
    const rule = { settleMs: 50, admissionMs: 500 };
    const intake = new Intake(
      { database: catalog.database, reader, rootRealPath: input, rule, site: settings.site, expectedSubbands: 16, monotonicMs, nowMs, log },
      input,
    );
    const scanner = new Scanner({ ...use, intake });
    for (const hour of [0, 0.5, 0.99, 1, 1.5, 2.1]) {
      hours = hour;
      await scanner.scan();
    }
    await reader.close();
    expect(scanner.report).toMatchObject({ files_seen: names.length, foreign: names.length });
    expect(said).toHaveLength(3);
    expect(said[0]).toMatchObject({ count: names.length, examples: expect.arrayContaining([expect.any(String)]) });
    expect(filesNotTaken(catalog.database, input)).toEqual([]);
  });

  test.each(['.NAME.Xa91zK', 'NAME~', 'NAME.tmp', 'NAME.part', '.NAME'])('%s is a copy in progress', async (pattern) => {
    await rename(await put(8), join(input, pattern.replace('NAME', nameOf(NAME, 8))));
    expect(await (await ingest()).once()).toMatchObject({ copies_in_progress: 1, foreign: 0, admitted_since_start: 0 });
  });
});

test('an incomplete file that nothing was written to for 15 minutes is shown as the last file of a run', async () => {
  const [old, fresh] = [join(input, `${NAME}_sb05_incomplete.hdf5`), join(input, `${NAME}_sb06_incomplete.hdf5`)];
  await rename(await put(5), old);
  await rename(await put(6), fresh);
  const nowS = Date.now() / 1000;
  await utimes(old, nowS - 901, nowS - 901);
  await utimes(fresh, nowS - 840, nowS - 840);
  expect(await (await ingest()).once()).toMatchObject({ incomplete: 2, left_incomplete: [old] });
  expect(groups()).toEqual([]);
});

/** Everything of a tree that a program could change, times of reading left out. */
async function stateOf(folder: string): Promise<Record<string, unknown>> {
  const entries: Record<string, unknown> = {};
  for (const name of ['.', ...(await readdir(folder, { recursive: true }))].sort()) {
    const path = join(folder, name);
    const found = await lstat(path, { bigint: true });
    const content = found.isFile()
      ? createHash('sha256')
          .update(await readFile(path))
          .digest('hex')
      : null;
    const target = found.isSymbolicLink() ? await readlink(path) : null;
    const { ino, mode, uid, gid, size, nlink, mtimeNs, ctimeNs } = found;
    entries[relative(folder, path)] = { content, target, ino, mode, uid, gid, size, nlink, mtimeNs, ctimeNs };
  }
  return entries;
}

test('no entry is written, renamed, moved, touched or deleted, whatever is wrong with it', async () => {
  await put(0);
  await copyFile(place(0), place(0, '2025-10-02T00:05:21'));
  await truncate(await put(1), 9000);
  await writeFile(place(2), '');
  await writeFile(place(3), 'not a file of ours');
  await put(4, { decRad: 0.2 });
  await put(5, { visdataRows: 30_000_000_000 });
  await put(6, {}, '2025-10-02T04:05:19');
  await rename(await put(7), `${place(7)}.corrupted`);
  await rename(await put(8), join(input, `${NAME}_sb08_incomplete.hdf5`));
  await rename(await put(9), join(input, `.${nameOf(NAME, 9)}.Xa91zK`));
  await symlink('/etc/passwd', place(10));
  await mkdir(join(input, 'night'));
  await put(11, {}, NAME, join(input, 'night'));
  const before = await stateOf(input);
  await scanOnce();
  await scanOnce();
  expect(await stateOf(input)).toEqual(before);
  // The file of another declination starts at the same second: whichever was read first has the plain id.
  const group = row(place(0)).group_id ?? 'none';
  expect(presentIn(group)).toEqual([0, 11]);
  expect(groups()).toHaveLength(2);
});
