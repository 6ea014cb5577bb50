/** Publishing by rename: readers see nothing or all of a folder, and what is published is never written over. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { hashFolder } from '../../activities/hashed-copy.ts';
import { moveInto, publishFolder } from '../../activities/publish.ts';

/** A file system of its own on any Linux host: a move from there is a copy. */
const ELSEWHERE = '/dev/shm';

let folder: string;
let elsewhere: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'contimg-publish-'));
  elsewhere = mkdtempSync(join(ELSEWHERE, 'contimg-publish-'));
});
afterEach(() => [folder, elsewhere].forEach((path) => rmSync(path, { recursive: true, force: true })));

const attempt = { runId: 'run', attempt: 1 };
const TABLES = { 'table.dat': 'main', 'ANTENNA/table.dat': 'antennas', 'FIELD/table.dat': 'field' };

function made(path: string, files: Record<string, string> = TABLES): string {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(path, name, '..'), { recursive: true });
    writeFileSync(join(path, name), text);
  }
  return path;
}

const target = (): string => join(folder, 'ms', 'science', '2025-10-02', '2025-10-02T00:05:18.ms');
const beside = (): string[] => readdirSync(join(target(), '..'));

describe('a move to another file system', () => {
  test('is one: the two folders of this test lie on different ones', () => {
    expect(statSync(folder).dev).not.toBe(statSync(elsewhere).dev);
  });

  test('ends whole, with the same content and nothing left beside it', async () => {
    const source = made(join(elsewhere, 'group.ms'));
    const content = await hashFolder(source);
    await moveInto(source, target(), attempt);
    expect(await hashFolder(target())).toBe(content);
    expect(beside()).toEqual(['2025-10-02T00:05:18.ms']);
    expect(existsSync(source)).toBe(false);
  });

  test('that fails half way publishes nothing and keeps its source', async () => {
    const source = made(join(elsewhere, 'group.ms'));
    execFileSync('mkfifo', [join(source, 'not-to-be-copied')]);
    await expect(moveInto(source, target(), attempt)).rejects.toThrow(/not-to-be-copied/);
    expect(existsSync(target())).toBe(false);
    expect(readFileSync(join(source, 'FIELD', 'table.dat'), 'utf8')).toBe('field');
  });

  test('removes the half copy that a killed attempt left beside the target', async () => {
    made(join(target(), '..', '.2025-10-02T00:05:18.ms.killed-1'), { 'table.dat': 'ma' });
    await moveInto(made(join(elsewhere, 'group.ms')), target(), attempt);
    expect(beside()).toEqual(['2025-10-02T00:05:18.ms']);
  });

  test('shows no part of it under the published name while it copies', async () => {
    const large = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`T${n}/table.f0`, 'x'.repeat(50_000)]));
    const source = made(join(elsewhere, 'group.ms'), large);
    const done = new AbortController();
    const moving = moveInto(source, target(), attempt).finally(() => done.abort());
    const seen = new Set<number>();
    while (!done.signal.aborted) {
      seen.add(existsSync(target()) ? readdirSync(target()).length : 0);
      await sleep(1);
    }
    await moving;
    seen.add(readdirSync(target()).length);
    expect([...seen]).toEqual([0, 20]);
  });
});

describe('a published path that exists already', () => {
  const order = async (source: string) => ({
    source,
    folder: join(folder, 'ms'),
    name: 'group',
    extension: '.ms',
    contentHash: await hashFolder(source),
    attempt,
  });

  test('is not taken for this set because of its name: half of one stays as it is, the whole becomes the next version', async () => {
    const half = made(join(folder, 'ms', 'group.ms'), { 'table.dat': 'main' });
    const published = await publishFolder(await order(made(join(folder, 'scratch', 'group.ms'))));
    expect(published).toEqual({ path: join(folder, 'ms', 'group.v2.ms'), alreadyThere: false });
    expect(readdirSync(half)).toEqual(['table.dat']);
  });

  test('is known again by its content', async () => {
    const there = made(join(folder, 'ms', 'group.ms'));
    const published = await publishFolder(await order(made(join(folder, 'scratch', 'group.ms'))));
    expect(published).toEqual({ path: there, alreadyThere: true });
  });

  test('is never moved onto', async () => {
    const there = made(target(), { 'table.dat': 'of another set' });
    await expect(moveInto(made(join(folder, 'scratch', 'group.ms')), there, attempt)).rejects.toThrow(/ENOTEMPTY|EEXIST/);
    expect(readFileSync(join(there, 'table.dat'), 'utf8')).toBe('of another set');
  });
});
