/**
 * A folder for tests of batch commands: real small raw files, a database of its own, and the command line as a process.
 * The science interpreter is quick-science.ts; files in `base` steer it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { systemErrorCode } from '../../src/domain/system-error.ts';
import { nameOf, t0JdOf, writeTinyFile } from '../ingest/tiny-uvh5.ts';
import { quickInterpreter } from '../workflows/host-files.ts';

export const ROOT = resolve(import.meta.dirname, '..', '..');
export const ALL_SUBBANDS = Array.from({ length: 16 }, (_, subband) => subband);

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

export class BatchFolder {
  readonly base = mkdtempSync(join(tmpdir(), 'contimg-batch-'));
  readonly input = join(this.base, 'raw files');
  readonly output = join(this.base, 'out');
  readonly state = join(this.base, 'state');
  readonly env: Record<string, string>;

  constructor() {
    mkdirSync(this.input);
    this.env = {
      PATH: process.env['PATH'] ?? '',
      HOME: this.base,
      CONTIMG_STATE_DIR: this.state,
      CONTIMG_PATHS__PYTHON: quickInterpreter(this.base),
      CONTIMG_DISK__PAUSE_GB: '0',
      CONTIMG_WATCH__SETTLE_S: '0.05',
      CONTIMG_WORKER__OMP_THREADS: '1',
    };
  }

  async addGroup(start: string, subbands: readonly number[] = ALL_SUBBANDS): Promise<void> {
    for (const subband of subbands) await writeTinyFile(join(this.input, nameOf(start, subband)), { subband, t0Jd: t0JdOf(start) });
  }

  /** Starts a program of the checkout, given by its path. */
  start(program: string, args: readonly string[], env: Record<string, string> = {}): { child: ChildProcess; ended: Promise<Ended> } {
    const child = spawn(join(ROOT, program), args, { cwd: this.base, env: { ...this.env, ...env }, timeout: 150_000 });
    const said = { stdout: '', stderr: '' };
    child.stdout.on('data', (text: Buffer) => (said.stdout += text.toString()));
    child.stderr.on('data', (text: Buffer) => (said.stderr += text.toString()));
    const ended = new Promise<Ended>((done) => child.once('close', (code) => done({ code, ...said })));
    return { child, ended };
  }

  run(args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
    return this.start('ops/bin/contimg', args, env).ended;
  }

  read<Row>(sql: string): Row[] {
    const database = new Database(join(this.state, 'db', 'pipeline.sqlite3'), { readonly: true });
    try {
      return database.prepare<[], Row>(sql).all();
    } finally {
      database.close();
    }
  }

  /** Process ids of the science programs that were started. */
  sciencePids(): number[] {
    const path = join(this.base, 'calls.jsonl');
    if (!existsSync(path)) return [];
    const lines = readFileSync(path, 'utf8').trim().split('\n');
    return lines.map((line) => Number(JSON.parse(line).pid));
  }

  hold(step: string): void {
    writeFileSync(join(this.base, `hold-${step}`), '');
  }
  letGo(step: string): void {
    rmSync(join(this.base, `hold-${step}`));
  }

  remove(): void {
    rmSync(this.base, { recursive: true });
  }
}

export async function until(reached: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!reached()) {
    if (Date.now() > deadline) throw new Error(`it did not happen: ${what}`);
    await sleep(50);
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === 'ESRCH') return false;
    throw error;
  }
}
