/** What the options for staging, memory and clean-up change on disk, by the steps themselves. */
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { moveToTmpfs } from '../../activities/move-to-tmpfs.ts';
import { release } from '../../activities/release.ts';
import { stageToScratch } from '../../activities/stage-to-scratch.ts';
import { readStreamOptions } from '../../src/cli/stream-options.ts';
import { systemErrorCode } from '../../src/domain/system-error.ts';
import { arrivalOf } from '../workflows/host-files.ts';
import { hostDependencies } from './host-dependencies.ts';

const FILES = 6;
/** Large enough that a copy is still at work when its neighbour begins. */
const FILE_BYTES = 8_000_000;
let folder: string;
let raw: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'contimg-options-'));
  raw = join(folder, 'raw');
  for (const name of [raw, join(folder, 'memory')]) mkdirSync(name);
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Settings as they follow from what was typed. */
function host(...typed: (readonly [string, string | boolean])[]) {
  const places = [
    ['--output-dir', join(folder, 'products')],
    ['--scratch-dir', join(folder, 'fast')],
    ['--tmpfs-path', join(folder, 'memory')],
  ] as const;
  return hostDependencies(readStreamOptions(new Map<string, string | boolean>([...places, ...typed])).sources, folder);
}
const watch = { signal: new AbortController().signal, progress: () => undefined };
const attempt = <Step extends string>(step: Step) =>
  ({ groupId: '2025-10-02T00:05:18', runId: 'run', runNumber: 1, step, attempt: 1 }) as const;
const requestedAt = '2025-10-02T12:00:00Z';

function rawMembers() {
  return Array.from({ length: FILES }, (_, subband) => {
    const path = join(raw, `2025-10-02T00:05:18_sb0${subband}.hdf5`);
    writeFileSync(path, Buffer.alloc(FILE_BYTES, subband));
    return arrivalOf(path, subband);
  });
}
function stage(dependencies: ReturnType<typeof host>) {
  const parameters = dependencies.settings.steps.stageToScratch;
  return stageToScratch(dependencies)({ attempt: attempt('stageToScratch'), requestedAt, parameters, members: rawMembers() }, watch);
}

test('--stage-inputs copies the subbands to scratch, --no-stage-inputs reads them in place', async () => {
  const copied = (await stage(host(['--stage-inputs', true]))).output;
  for (const { path } of copied.members) {
    expect(dirname(path).startsWith(join(folder, 'fast'))).toBe(true);
    expect(lstatSync(path).isFile()).toBe(true);
  }
  rmSync(join(folder, 'fast'), { recursive: true });
  const inPlace = (await stage(host(['--no-stage-inputs', true]))).output;
  expect(inPlace.members.map(({ path }) => dirname(path))).toEqual(Array.from({ length: FILES }, () => raw));
  expect(existsSync(join(folder, 'fast'))).toBe(false);
});

test('--stage-workers says how many subbands are copied at a time', async () => {
  const mostAtOnce = async (copies: string): Promise<number> => {
    let most = 0;
    const looking = setInterval(() => (most = Math.max(most, openIn(raw))), 1);
    await stage(host(['--stage-inputs', true], ['--stage-workers', copies]));
    clearInterval(looking);
    rmSync(join(folder, 'fast'), { recursive: true });
    return most;
  };
  expect(await mostAtOnce('1')).toBe(1);
  const three = await mostAtOnce('3');
  expect([2, 3]).toContain(three);
});

test('--stage-to-tmpfs keeps a copy of the set in the memory file system of --tmpfs-path, the negative form does not', async () => {
  const ms = join(folder, 'fast', 'group.ms');
  mkdirSync(ms, { recursive: true });
  writeFileSync(join(ms, 'table.dat'), 'visibilities');
  const move = (dependencies: ReturnType<typeof host>) =>
    moveToTmpfs(dependencies)(
      { attempt: attempt('moveToTmpfs'), requestedAt, parameters: dependencies.settings.steps.moveToTmpfs, ms },
      watch,
    );
  const kept = (await move(host(['--stage-to-tmpfs', true]))).output.ms ?? '';
  expect(kept.startsWith(join(folder, 'memory'))).toBe(true);
  expect(readFileSync(join(kept, 'table.dat'), 'utf8')).toBe('visibilities');
  expect(await move(host(['--no-stage-to-tmpfs', true]))).toMatchObject({ output: { ms: null }, note: 'switched off' });
});

test('--cleanup-temp gives scratch back at the end, --no-cleanup-temp keeps it', async () => {
  const left = join(folder, 'fast', '2025-10-02T00:05:18', 'run', 'concat-1');
  const give = (dependencies: ReturnType<typeof host>) => {
    mkdirSync(left, { recursive: true });
    return release(dependencies)({ attempt: attempt('release'), requestedAt, parameters: {}, keepScratch: false }, watch);
  };
  expect((await give(host(['--no-cleanup-temp', true]))).note).toBe('scratch is kept');
  expect(existsSync(left)).toBe(true);
  await give(host(['--cleanup-temp', true]));
  expect(existsSync(left)).toBe(false);
});

/** Files of a folder that this process has open just now. */
const openIn = (place: string): number =>
  readdirSync('/proc/self/fd').filter((name) => {
    try {
      return readlinkSync(`/proc/self/fd/${name}`).startsWith(place);
    } catch (error) {
      if (systemErrorCode(error) === 'ENOENT') return false; // closed since it was listed
      throw error;
    }
  }).length;
