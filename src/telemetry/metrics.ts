/**
 * Prometheus metrics. The two names of the earlier pipeline are kept; everything else begins with `contimg_`. Values are
 * read when they are scraped.
 */
import { Counter, Gauge, Registry } from 'prom-client';
import { openForReading } from '../catalog/database.ts';
import { LEDGER_OUTCOMES } from '../catalog/ledger.ts';
import type { Settings } from '../config/settings.ts';
import { createCanaryMetrics } from './canary-metrics.ts';
import { GROUP_STATES, seedState } from '../domain/group-state.ts';
import type { PartView } from './health.ts';
import type { Sample } from './monitor.ts';
import { readPipeline } from './reading.ts';

export interface Metrics {
  contentType: string;
  text(): Promise<string>;
}

export function createMetrics(settings: Settings, parts: readonly PartView[], latestSample: () => Sample | null = () => null): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const queue = new Gauge({
    name: 'dsa110_streaming_queue',
    help: 'groups by state, in the words of the earlier queue',
    labelNames: ['state'],
    registers,
  });
  const groups = new Gauge({ name: 'contimg_groups', help: 'groups by state', labelNames: ['state'], registers });
  const ledger = new Gauge({
    name: 'contimg_ledger_groups',
    help: 'groups expected in the last 24 hours, by what became of them',
    labelNames: ['outcome'],
    registers,
  });
  const disk = new Gauge({ name: 'dsa110_streaming_disk_free_gb', help: 'free space, GB', labelNames: ['path'], registers });
  const up = new Gauge({ name: 'contimg_part_up', help: '1 while the part of the process tree runs', labelNames: ['part'], registers });
  const restarts = new Gauge({ name: 'contimg_part_restarts', help: 'restarts since start', labelNames: ['part'], registers });
  const cpu = new Gauge({
    name: 'contimg_part_cpu_percent',
    help: 'of one core, with its science processes, between the last two samples',
    labelNames: ['part'],
    registers,
  });
  const memory = new Gauge({
    name: 'contimg_part_rss_bytes',
    help: 'with its science processes, at the last sample',
    labelNames: ['part'],
    registers,
  });
  const canaries = createCanaryMetrics(registers);
  const failures = new Counter({
    name: 'contimg_metrics_read_failures_total',
    help: 'scrapes that could not read the database',
    registers,
  });

  const refresh = (): void => {
    for (const part of parts) {
      up.set({ part: part.name }, part.pid() === null ? 0 : 1);
      restarts.set({ part: part.name }, part.restarts());
    }
    for (const { name, cpuPercent, rssBytes } of latestSample()?.parts ?? []) {
      memory.set({ part: name }, rssBytes);
      if (cpuPercent !== null) cpu.set({ part: name }, cpuPercent);
    }
    queue.reset();
    groups.reset();
    try {
      const database = openForReading(settings.paths.database);
      try {
        const reading = readPipeline(database, settings);
        for (const state of GROUP_STATES) {
          groups.set({ state }, reading.queue[state]);
          queue.inc({ state: seedState(state) }, reading.queue[state]);
        }
        for (const outcome of LEDGER_OUTCOMES) ledger.set({ outcome }, reading.ledgerLastDay[outcome]);
        canaries.refresh(database, Date.now());
        for (const [path, freeGb] of Object.entries(reading.diskFreeGb)) disk.set({ path }, freeGb);
      } finally {
        database.close();
      }
    } catch {
      failures.inc(); // the scrape itself goes on: absent gauges and this counter say what happened
    }
  };
  return {
    contentType: registry.contentType,
    text: () => {
      refresh();
      return registry.metrics();
    },
  };
}
