/** kill -9 at any moment of a move between file systems leaves the whole source, the whole published set, or both. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { hashFolder } from '../../activities/hashed-copy.ts';
import { moveInto } from '../../activities/publish.ts';
import { SeededRandom } from '../chaos/random.ts';

const MOVER = join(import.meta.dirname, 'killed-mover.ts');
const ROUNDS = 8;
/** As long as an undisturbed move of this size takes on a slow disk, and longer than on a quick one. */
const LATEST_KILL_MS = 250;

let here: string;
let memory: string;
beforeAll(() => {
  here = mkdtempSync(join(tmpdir(), 'contimg-killed-'));
  memory = mkdtempSync('/dev/shm/contimg-killed-');
  if (statSync(here).dev === statSync(memory).dev) throw new Error(`${here} and ${memory} are one file system: nothing is copied`);
});
afterAll(() => [here, memory].forEach((path) => rmSync(path, { recursive: true, force: true })));

/** A set of 24 MB in many files, no two bytes of neighbouring files alike. */
function made(path: string): string {
  for (let file = 0; file < 60; file += 1) {
    const folder = join(path, `T${file % 6}`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `table.f${file}`), Buffer.alloc(400_000, file + 1));
  }
  return path;
}

async function moveAndKill(source: string, target: string, attempt: number, afterMs: number): Promise<void> {
  const mover = spawn(process.execPath, [MOVER, source, target, String(attempt)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(mover, 'exit');
  await once(mover.stdout, 'data');
  await sleep(afterMs);
  mover.kill('SIGKILL');
  await ended;
}

/** What is left of a set under one path: all of it, some of it, nothing. */
async function stateOf(path: string, whole: string): Promise<'whole' | 'part' | 'none'> {
  if (!existsSync(path)) return 'none';
  return (await hashFolder(path)) === whole ? 'whole' : 'part';
}

test('a mover killed at random moments leaves none, or whole; the next attempt finishes and cleans up', async () => {
  const random = new SeededRandom(7);
  const whole = await hashFolder(made(join(memory, 'model')));
  const left: string[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const source = made(join(memory, `round-${round}`, 'group.ms'));
    const target = join(here, `round-${round}`, 'group.ms');
    await moveAndKill(source, target, 1, random.between(0, LATEST_KILL_MS));
    left.push(`source ${await stateOf(source, whole)}, published ${await stateOf(target, whole)}`);
    if (!existsSync(target)) await moveInto(source, target, { runId: 'run', attempt: 2 });
    expect(await hashFolder(target)).toBe(whole);
    expect(readdirSync(dirname(target))).toEqual(['group.ms']);
    rmSync(dirname(target), { recursive: true });
  }
  const allowed = ['source whole, published none', 'source whole, published whole', 'source none, published whole'];
  expect(left.filter((state) => !allowed.includes(state))).toEqual([]);
  // Otherwise no kill came in time to interrupt anything.
  expect(left).toContain('source whole, published none');
}, 120_000);
