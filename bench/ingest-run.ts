/**
 * Runs the watcher of bench/ingest.ts in its own process on a folder with raw files, and hands over what it reports.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { mkdir, mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openForWriting } from '../src/catalog/database.ts';
import { inTransaction, runSql } from '../src/catalog/statement.ts';
import { loadSettings } from '../src/config/load.ts';
import { signatureOf } from '../src/domain/file-signature.ts';
import { registerAdmitted } from '../src/ingest/register.ts';
import type { RawFiles } from './arriving-files.ts';
import type { WatcherMessage, WatcherReport } from './ingest-watcher.ts';

const WATCHER = new URL('./ingest-watcher.ts', import.meta.url);
const ROWS_AT_ONCE = 1600;
/** A copy lies this long under its temporary name. */
const COPYING_MS = 100;

export interface Bench {
  base: string;
  input: string;
  remove(): Promise<void>;
}

export async function benchFolder(): Promise<Bench> {
  const base = await mkdtemp(join(tmpdir(), 'contimg-bench-ingest-'));
  const input = join(base, 'in');
  await mkdir(input);
  return { base, input, remove: () => rm(base, { recursive: true }) };
}

export class RunningWatcher {
  private readonly child: ChildProcess;
  private admitted = 0;
  private readonly started: Promise<void>;
  private readonly reported: Promise<WatcherReport>;

  constructor(base: string) {
    this.child = fork(WATCHER, [base]);
    const [started, reported] = [Promise.withResolvers<void>(), Promise.withResolvers<WatcherReport>()];
    this.started = started.promise;
    this.reported = reported.promise;
    this.child.on('message', (message: WatcherMessage) => {
      if (message.kind === 'started') started.resolve();
      else if (message.kind === 'admitted') this.admitted = message.count;
      else reported.resolve(message.report);
    });
    this.child.on('exit', (code) => {
      const ended = new Error(`the watcher ended with code ${code}`);
      started.reject(ended);
      reported.reject(ended);
    });
    // Whoever waits for the other of the two hears of it there.
    for (const promise of [this.started, this.reported]) promise.catch(() => undefined);
  }

  whenStarted(): Promise<void> {
    return this.started;
  }

  async untilAdmitted(count: number): Promise<void> {
    while (this.admitted < count) await Promise.race([sleep(100), this.reported]);
  }

  stop(): Promise<WatcherReport> {
    this.child.send('stop');
    return this.reported;
  }
}

/** As rsync delivers: written under a temporary name, then renamed. Answers when each was renamed. */
export async function deliver(
  files: RawFiles,
  input: string,
  range: { from: number; to: number; atOnce: number; pauseMs: number },
): Promise<Map<string, number>> {
  const { from, to, atOnce, pauseMs } = range;
  const renamedAtMs = new Map<string, number>();
  for (let first = from; first < to; first += atOnce) {
    const names = Array.from({ length: Math.min(atOnce, to - first) }, (_, k) => files.name(first + k));
    for (const [k, name] of names.entries()) await writeFile(join(input, `.${name}.Xb7Q2k`), files.bytes(first + k));
    await sleep(COPYING_MS);
    for (const name of names) {
      await rename(join(input, `.${name}.Xb7Q2k`), join(input, name));
      renamedAtMs.set(join(input, name), Date.now());
    }
    await sleep(pauseMs);
  }
  return renamedAtMs;
}

/** Files on disk with the rows that admission would have left, without the hours that admitting a month of files takes. */
export async function placeKnown(bench: Bench, files: RawFiles, count: number): Promise<void> {
  const { settings } = loadSettings({ flags: [{ key: 'paths.state', value: join(bench.base, 'state'), name: 'bench' }] });
  const { database, close } = openForWriting(settings.paths.database, { role: 'watch' });
  for (let first = 0; first < count; first += ROWS_AT_ONCE) {
    const placed: { index: number; path: string; signature: ReturnType<typeof signatureOf> }[] = [];
    for (let index = first; index < Math.min(first + ROWS_AT_ONCE, count); index += 1) {
      const path = join(bench.input, files.name(index));
      await writeFile(path, files.bytes(index));
      placed.push({ index, path, signature: signatureOf(await stat(path, { bigint: true })) });
    }
    inTransaction(database, () => {
      for (const { index, path, signature } of placed) {
        const subband = index % 16;
        const seenAt = '2025-10-02T00:00:00.000Z';
        const looked = { path, signature, subband, nameTimeText: files.name(index).slice(0, 19), seenAt };
        const digests = { headerDigest: `header ${index}`, gridDigest: 'grid' };
        const facts = { t0Jd: files.t0Jd(index), decRad: 0.65, integrationS: 12.884902, integrations: 1, ...digests };
        registerAdmitted(database, looked, facts, 16);
      }
    });
  }
  // What lies on disk for long was announced long ago.
  runSql(database, 'UPDATE subband_files SET announced_at = first_seen_at');
  close();
}
