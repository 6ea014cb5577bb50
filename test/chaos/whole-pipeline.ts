/**
 * A real `contimg up` in folders and on ports of its own: embedded Temporal with its file, worker, watcher, API. Only the
 * science interpreter is quick-science.ts, so that a group takes seconds. It can be killed, whole or in parts, and started
 * again on the same folders.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Status, statusSchema } from '../../src/api/contract/status.ts';
import { openForReading } from '../../src/catalog/database.ts';
import { loadSettings } from '../../src/config/load.ts';
import type { Settings } from '../../src/config/settings.ts';
import { freePort } from '../../src/temporal/free-port.ts';
import { quickInterpreter } from '../workflows/host-files.ts';
import { killNow, killTree, type TreeProcess, treeBelow } from './process-tree.ts';

const root = resolve(import.meta.dirname, '..', '..');

/** How a part is told from the others by its command line. */
const PARTS = { watcher: 'main.ts watch', worker: 'main.ts worker', api: 'main.ts api', temporal: 'server start-dev' } as const;
export type Part = keyof typeof PARTS;
/** Section → key → value, as in a configuration file. */
export type SettingChanges = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

export class WholePipeline {
  readonly folder = mkdtempSync(join(tmpdir(), 'contimg-whole-'));
  readonly incoming = join(this.folder, 'incoming');
  readonly products = join(this.folder, 'products');
  readonly #config = join(this.folder, 'contimg.json');
  readonly #api: string;
  #up: ChildProcess | null = null;

  private constructor(ports: number[], changes: SettingChanges) {
    const [api, ui, temporal, health] = ports;
    this.#api = `http://127.0.0.1:${api}/api/v1`;
    mkdirSync(this.incoming);
    const settings = {
      paths: {
        input: this.incoming,
        output: this.products,
        state: join(this.folder, 'state'),
        tmpfs: join(this.folder, 'memory'),
        python: quickInterpreter(this.folder),
      },
      // A complete group is what these tests are about: none may be given up because the machine is slow.
      collecting: { deadline_s: 600, recheck_s: 2 },
      watch: { poll_s: 1, rescan_s: 5, settle_s: 0.5 },
      attempt: { heartbeat_s: 3, first_retry_delay_s: 0.2 },
      policy: { solve: true, photometry: true },
      worker: { host_name: 'test-host', slots: 2, omp_threads: 1, grace_s: 2 },
      disk: { pause_gb: 0, resume_gb: 0 },
      api: { port: api, anonymous_read: 'loopback' },
      temporal: { port: temporal, ui_port: ui },
      health: { port: health },
      log: { level: 'fatal' },
    };
    mkdirSync(settings.paths.tmpfs);
    const sections: SettingChanges = settings;
    const changed = Object.keys({ ...sections, ...changes }).map((section) => [section, { ...sections[section], ...changes[section] }]);
    writeFileSync(this.#config, JSON.stringify(Object.fromEntries(changed)));
  }

  static async create(changes: SettingChanges = {}): Promise<WholePipeline> {
    const ports = new Set<number>();
    while (ports.size < 4) ports.add(await freePort());
    return new WholePipeline([...ports], changes);
  }

  /** Settings as its processes read them. */
  get settings(): Settings {
    return loadSettings({ file: this.#config }).settings;
  }

  get pid(): number {
    if (this.#up?.pid === undefined) throw new Error('the pipeline was not started');
    return this.#up.pid;
  }

  /** Resolves when the API answers. */
  async start(): Promise<void> {
    const main = join(root, 'src', 'cli', 'main.ts');
    const up = spawn(process.execPath, [main, 'up', '--config', this.#config], { stdio: ['ignore', 'ignore', 'inherit'] });
    this.#up = up;
    await this.until('answers', () => {
      if (up.exitCode !== null) throw new Error(`contimg up ended with exit code ${up.exitCode}`);
      return this.status();
    });
  }

  /** As an operator ends it; answers its exit code. */
  async stop(): Promise<number | null> {
    const up = this.#up;
    if (up === null) return null;
    this.#up = null;
    if (up.exitCode !== null || up.signalCode !== null) return up.exitCode;
    const ended = new Promise<number | null>((done) => up.once('exit', done));
    up.kill('SIGTERM');
    return ended;
  }

  /** kill -9 of everything at once; answers what was killed. */
  killEverything(): TreeProcess[] {
    const killed = killTree(this.pid);
    this.#up = null;
    return killed;
  }

  kill(part: Part): void {
    killNow(this.pidOf(part) ?? raise(`no ${part} runs`));
  }

  /** Null while it is being started again. */
  pidOf(part: Part): number | null {
    return treeBelow(this.pid).find(({ command }) => command.includes(PARTS[part]))?.pid ?? null;
  }

  async cleanUp(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Null while nobody answers. */
  async status(): Promise<Status | null> {
    try {
      const answer = await fetch(`${this.#api}/status`);
      return answer.ok ? statusSchema.parse(await answer.json()) : null;
    } catch (error) {
      // What fetch calls a refused connection, by its words: Jest's global classes are not Node's.
      if (String(error) === 'TypeError: fetch failed') return null;
      throw error;
    }
  }

  /** Asks about once a second, well below what the API answers an anonymous reader a minute. */
  async until<Found>(what: string, look: () => Promise<Found | null | false> | Found | null | false, limitMs = 90_000): Promise<Found> {
    const deadline = Date.now() + limitMs;
    for (;;) {
      const found = await look();
      if (found !== null && found !== false) return found;
      if (Date.now() > deadline) throw new Error(`not within ${limitMs / 1000} s: ${what}; groups: ${JSON.stringify(this.groups())}`);
      await sleep(700);
    }
  }

  groups = (): { group_id: string; state: string; step: string | null; waiting_for: string | null }[] =>
    this.read('SELECT group_id, state, step, waiting_for FROM groups ORDER BY group_id');

  read<Row>(sql: string, ...values: unknown[]): Row[] {
    const database = openForReading(join(this.folder, 'state', 'db', 'pipeline.sqlite3'));
    try {
      return database.prepare<unknown[], Row>(sql).all(...values);
    } finally {
      database.close();
    }
  }
}

function raise(message: string): never {
  throw new Error(message);
}
