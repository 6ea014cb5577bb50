/**
 * Where file events cannot be had the watcher scans instead and says why; what the kernel forbids to read is named and taken
 * when its rights are mended.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openForReading, openForWriting } from '../../src/catalog/database.ts';
import { fileByPath, type SubbandFileRow } from '../../src/catalog/subband-files.ts';
import { loadSettings } from '../../src/config/load.ts';
import { asOrdinaryUser, giveToOrdinaryUser, withInotifyLimit } from './separate-watcher.ts';
import { nameOf, t0JdOf, writeTinyFile } from './tiny-uvh5.ts';
import { eventually, NAME, START } from './watched-directory.ts';

let [base, input, state, databasePath] = ['', '', '', ''];

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'contimg-limits-'));
  [input, state] = [join(base, 'in'), join(base, 'state')];
  mkdirSync(input);
  databasePath = loadSettings({ flags: [{ key: 'paths.state', value: state, name: 'test' }] }).settings.paths.database;
  // The watcher is another process: the schema is there before anybody reads.
  openForWriting(databasePath, { role: 'watch' }).close();
});
afterEach(() => rmSync(base, { recursive: true }));

async function put(subband: number, folder = input): Promise<string> {
  const path = join(folder, nameOf(NAME, subband));
  await writeTinyFile(path, { subband, t0Jd: t0JdOf(START) });
  return path;
}

/** What the watcher has on record. */
function onRecord(path: string): SubbandFileRow | null {
  const database = openForReading(databasePath);
  try {
    return fileByPath(database, path);
  } finally {
    database.close();
  }
}

// A kernel without user namespaces cannot give a test limits of its own.
const withNamespaces = spawnSync('unshare', ['-Ur', 'true']).status === 0 ? describe : describe.skip;

withNamespaces('without inotify', () => {
  test('no instance left: scans find the files, and the reason is on record', async () => {
    const watcher = withInotifyLimit('max_inotify_instances', 0, input, state);
    const early = await put(0);
    await eventually(() => onRecord(early)?.status === 'valid', 30_000);
    const later = await put(1);
    await eventually(() => onRecord(later)?.status === 'valid', 30_000);
    expect(await watcher.stop()).toMatchObject({ mode: 'poll', mode_reason: expect.stringMatching(/^EMFILE/) });
  }, 60_000);

  test('no watch left for a folder that came later: the same', async () => {
    const watcher = withInotifyLimit('max_inotify_watches', 1, input, state);
    const early = await put(0);
    await eventually(() => onRecord(early)?.status === 'valid', 30_000);
    const folder = join(input, 'second-disk');
    mkdirSync(folder);
    const later = await put(1, folder);
    await eventually(() => onRecord(later)?.status === 'valid', 30_000);
    expect(await watcher.stop()).toMatchObject({ mode: 'poll', mode_reason: expect.stringMatching(/^ENOSPC/) });
  }, 60_000);
});

describe('a user without the rights of root', () => {
  beforeEach(() => giveToOrdinaryUser(base));

  test('a file without read permission, and a link to one, are named, and taken when their rights are mended', async () => {
    const closed = join(input, 'closed');
    mkdirSync(closed);
    const [path, link] = [await put(8), join(input, nameOf(NAME, 9))];
    symlinkSync(await put(9, closed), link);
    chmodSync(path, 0);
    chmodSync(closed, 0);
    const watcher = asOrdinaryUser(input, state);
    await eventually(() => [path, link].every((entry) => onRecord(entry)?.status === 'settling'), 30_000);
    expect([path, link].map((entry) => onRecord(entry)?.reason)).toEqual([
      'Unreadable: permission denied',
      'Unreadable: permission denied',
    ]);
    chmodSync(path, 0o644);
    chmodSync(closed, 0o755);
    await eventually(() => [path, link].every((entry) => /valid|duplicate/.test(onRecord(entry)?.status ?? '')), 30_000);
    await watcher.stop();
  }, 60_000);

  test('it becomes invalid when its time is over, and is still taken when its rights are mended later', async () => {
    const path = await put(8);
    chmodSync(path, 0);
    const watcher = asOrdinaryUser(input, state);
    await eventually(() => onRecord(path)?.status === 'invalid', 30_000);
    await watcher.stop();
    chmodSync(path, 0o644);
    await asOrdinaryUser(input, state, 'once').stop();
    expect(onRecord(path)?.status).toBe('valid');
  }, 60_000);

  test('a folder without read permission is a problem of the scan, and nothing in it is declared missing', async () => {
    const folder = join(input, 'closed');
    mkdirSync(folder);
    const path = await put(8, folder);
    await asOrdinaryUser(input, state, 'once').stop();
    chmodSync(folder, 0);
    expect(await asOrdinaryUser(input, state, 'once').stop()).toMatchObject({
      last_scan_problem: expect.stringContaining('closed: EACCES'),
    });
    expect(onRecord(path)?.status).toBe('valid');
    chmodSync(folder, 0o755);
  }, 60_000);
});
