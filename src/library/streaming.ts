/** The watcher and the worker as objects a program holds: the same code that `contimg watch` and `contimg worker` run. */
import { openForWriting, type WritableCatalog } from '../catalog/database.ts';
import { createIngest, type Ingest } from '../ingest/ingest.ts';
import type { WatchStatus } from '../ingest/watch-status.ts';
import { createReconnectingAnnounce } from '../temporal/announce.ts';
import { type RunningWorker, startWorker } from '../temporal/worker.ts';
import { libraryLog, settingsOf, type WorkerConfig } from './worker-config.ts';

/** Admits raw files and tells the workflows of their groups. One a database; raw files are only read. */
export class StreamingWatcher {
  readonly #config: WorkerConfig;
  #running: { ingest: Ingest; catalog: WritableCatalog; temporal: { close(): Promise<void> } } | null = null;

  constructor(config: WorkerConfig & { inputDir: string }) {
    this.#config = config;
  }

  /** Resolves when what is there has been looked at; then follows the directory until `stop`. */
  async start(): Promise<void> {
    if (this.#running !== null) throw new Error('the watcher runs already');
    this.#running = await this.#open();
    await this.#running.ingest.start();
  }

  async stop(): Promise<void> {
    const running = this.#running;
    this.#running = null;
    if (running === null) return;
    await running.ingest.stop();
    await close(running);
  }

  /** Looks at every file once, tells what it can, and ends. */
  async once(): Promise<WatchStatus> {
    const running = await this.#open();
    try {
      return await running.ingest.once();
    } finally {
      await close(running);
    }
  }

  async #open(): Promise<{ ingest: Ingest; catalog: WritableCatalog; temporal: { close(): Promise<void> } }> {
    const settings = settingsOf(this.#config);
    const catalog = openForWriting(settings.paths.database, { role: 'watch' });
    const temporal = createReconnectingAnnounce(settings);
    const ingest = await createIngest({ settings, database: catalog.database, announce: temporal.announce, log: libraryLog(this.#config) });
    return { ingest, catalog, temporal };
  }
}

async function close({ catalog, temporal }: { catalog: WritableCatalog; temporal: { close(): Promise<void> } }): Promise<void> {
  await temporal.close();
  catalog.close();
}

/** Runs steps of groups on this host and writes the product database. Needs a Temporal server that answers. */
export class StreamingWorker {
  readonly #config: WorkerConfig;
  #running: RunningWorker | null = null;

  constructor(config: WorkerConfig) {
    this.#config = config;
  }

  /** Resolves when it was stopped and its queues are drained. */
  async run(): Promise<void> {
    this.#running = await startWorker({ settings: settingsOf(this.#config), log: libraryLog(this.#config), catalog: true });
    await this.#running.finished;
  }

  /** Running steps get the grace time of the settings. */
  stop(): void {
    this.#running?.shutdown();
  }
}
