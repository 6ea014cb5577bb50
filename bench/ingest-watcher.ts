/**
 * The watcher of bench/ingest.ts in a process of its own, so that its memory and its time are its own: real database, real
 * worker threads, intervals as in production, workflows that answer at once. Told `stop` it sends what it saw and ends.
 */
import { join } from 'node:path';
import { openForWriting } from '../src/catalog/database.ts';
import { loadSettings } from '../src/config/load.ts';
import { createIngest } from '../src/ingest/ingest.ts';

export interface WatcherReport {
  /** The first scan, until every file it found had been looked at once. */
  firstScanS: number;
  /** Unix time of the admission of each file, ms. */
  admittedAtMs: number[];
  /** Of the first of them: paths are kept of no more, so that the memory measured is the watcher's. */
  firstPaths: string[];
  memory: { admitted: number; residentMb: number }[];
  processorS: number;
}

export type WatcherMessage = { kind: 'started' } | { kind: 'admitted'; count: number } | { kind: 'report'; report: WatcherReport };

const MEMORY_EVERY_MS = 1000;
const PATHS_KEPT = 512;
const base = process.argv[2] ?? '';
const { settings } = loadSettings({
  flags: [
    { key: 'paths.input', value: join(base, 'in'), name: 'bench' },
    { key: 'paths.state', value: join(base, 'state'), name: 'bench' },
    { key: 'paths.output', value: join(base, 'out'), name: 'bench' },
  ],
});
const tell = (message: WatcherMessage): void => {
  process.send?.(message);
};

const report: WatcherReport = { firstScanS: 0, admittedAtMs: [], firstPaths: [], memory: [], processorS: 0 };
const pathOf = (fields: object): string | null => ('path' in fields && typeof fields.path === 'string' ? fields.path : null);
const log = {
  info(fields: object, message: string): void {
    const path = pathOf(fields);
    if (message !== 'subband admitted' || path === null) return;
    if (report.admittedAtMs.push(Date.now()) <= PATHS_KEPT) report.firstPaths.push(path);
  },
  warn(fields: object, message: string): void {
    throw new Error(`${message} ${JSON.stringify(fields)}`);
  },
};
const takeMemory = (): void => {
  report.memory.push({ admitted: report.admittedAtMs.length, residentMb: process.memoryUsage.rss() / 1e6 });
};

const catalog = openForWriting(settings.paths.database, { role: 'watch' });
const ingest = await createIngest({ settings, database: catalog.database, announce: async () => 'told', log });
const begunMs = performance.now();
await ingest.start();
report.firstScanS = (performance.now() - begunMs) / 1000;
takeMemory();
tell({ kind: 'started' });
const pulse = setInterval(() => {
  takeMemory();
  tell({ kind: 'admitted', count: report.admittedAtMs.length });
}, MEMORY_EVERY_MS);

process.once('message', () => {
  clearInterval(pulse);
  void ingest.stop().then(() => {
    catalog.close();
    const { user, system } = process.cpuUsage();
    const message: WatcherMessage = { kind: 'report', report: { ...report, processorS: (user + system) / 1e6 } };
    // A large message is under way for a while: the channel is closed when it is through.
    process.send?.(message, () => process.disconnect());
  });
});
