/** The monitor and the log files, over real files and processes. */
import { appendFileSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeSync, closeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openForWriting } from '../../src/catalog/database.ts';
import { loadSettings } from '../../src/config/load.ts';
import type { Settings } from '../../src/config/settings.ts';
import { createLogger, logFileOf } from '../../src/telemetry/log.ts';
import { rotateWhenLarge } from '../../src/telemetry/log-rotation.ts';
import { type Sample, startMonitor } from '../../src/telemetry/monitor.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'contimg-monitor-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function settingsWith(flags: Record<string, unknown>): Settings {
  const all = { 'paths.state': folder, 'paths.output': folder, ...flags };
  const { settings } = loadSettings({ flags: Object.entries(all).map(([key, value]) => ({ key, value, name: key })) });
  openForWriting(settings.paths.database, { role: 'catalog' }).close();
  return settings;
}

/** Lets a monitor of our own process work for a while. */
async function samplesOf(settings: Settings, workMs: number): Promise<{ latest: Sample | null; logged: unknown[] }> {
  const log = createLogger({ level: 'info', name: 'test', file: logFileOf(settings) });
  const monitor = startMonitor({ settings, log, parts: [{ name: 'worker', pid: () => process.pid, restarts: () => 0 }] });
  await sleep(workMs);
  monitor.stop();
  const lines = existsSync(logFileOf(settings)) ? readFileSync(logFileOf(settings), 'utf8').trim().split('\n') : [];
  const samples = lines.filter((line) => line.includes('"sample"')).map((line): unknown => JSON.parse(line));
  return { latest: monitor.latest(), logged: samples };
}

test('every `monitor.interval_s` a sample of queue, disk, CPU and memory is taken and logged', async () => {
  const { latest, logged } = await samplesOf(settingsWith({ 'monitor.intervalS': 1 }), 2_300);
  expect(logged).toHaveLength(3);
  expect(latest).toMatchObject({ queue: { pending: 0 }, diskFreeGb: { [folder]: expect.any(Number) } });
  const [worker] = latest?.parts ?? [];
  // This process has run a second since the sample before, and has more than a small program's memory.
  expect(worker?.cpuPercent).toBeGreaterThanOrEqual(0);
  expect(worker?.rssBytes).toBeGreaterThan(2e7);
});

test('switched off it takes none', async () => {
  expect(await samplesOf(settingsWith({ 'monitor.enabled': false, 'monitor.intervalS': 1 }), 1_200)).toEqual({ latest: null, logged: [] });
});

test('`--log-level` decides what is written: ERROR leaves warnings out', () => {
  const file = join(folder, 'log');
  const log = createLogger({ level: 'error', name: 'test', file });
  log.warn('a warning');
  log.error('an error');
  expect(readFileSync(file, 'utf8')).toMatch(/^[^\n]*"msg":"an error"[^\n]*\n$/);
});

test('a large log is put aside whole, and whoever had it open goes on writing to the new one', () => {
  const file = join(folder, 'streaming-pipeline.log');
  const writer = openSync(file, 'a');
  for (let round = 1; round <= 7; round += 1) {
    writeSync(writer, `${round}`.repeat(100));
    rotateWhenLarge(file, 99);
  }
  expect(statSync(file).size).toBe(0);
  expect([1, 2, 3, 4, 5].map((number) => readFileSync(`${file}.${number}`, 'utf8')[0])).toEqual(['7', '6', '5', '4', '3']);
  expect(readFileSync(`${file}.1`, 'utf8')).toBe('7'.repeat(100));
  expect(existsSync(`${file}.6`)).toBe(false);
  appendFileSync(file, 'short');
  rotateWhenLarge(file, 99);
  expect(readFileSync(file, 'utf8')).toBe('short');
  closeSync(writer);
});
