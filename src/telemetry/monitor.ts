/**
 * Looks at the running pipeline every `monitor.interval_s`: says the warnings, keeps the log files small, and, unless
 * monitoring is off, takes a sample of queue, disk, CPU and memory. A look that fails is said and changes nothing else.
 */
import { join } from 'node:path';
import { openForReading } from '../catalog/database.ts';
import type { Settings } from '../config/settings.ts';
import { isoFromUnixMs } from '../domain/utc.ts';
import type { PartView } from './health.ts';
import { logFileOf, type Logger } from './log.ts';
import { rotateWhenLarge } from './log-rotation.ts';
import { PartUses, type PartUse } from './part-use.ts';
import { type PipelineReading, readPipeline } from './reading.ts';
import { PipelineWarnings } from './warnings.ts';

export interface Sample extends PipelineReading {
  at: string;
  parts: PartUse[];
}

export interface Monitor {
  /** The newest sample; null before the first and when monitoring is off. */
  latest: () => Sample | null;
  stop(): void;
}

export function startMonitor(order: { settings: Settings; log: Logger; parts: readonly PartView[]; nowMs?: () => number }): Monitor {
  const { settings, log, parts, nowMs = Date.now } = order;
  const warnings = new PipelineWarnings(settings, isoFromUnixMs(nowMs()));
  const uses = new PartUses(parts);
  const files = [logFileOf(settings), join(settings.paths.state, 'logs', 'temporal.log')];
  let latest: Sample | null = null;

  const look = (): void => {
    try {
      const database = openForReading(settings.paths.database);
      try {
        for (const { level, message, fields } of warnings.look(database, nowMs())) log[level](fields, message);
        if (settings.monitor.enabled) {
          latest = { at: isoFromUnixMs(nowMs()), ...readPipeline(database, settings), parts: uses.look(performance.now()) };
          log.info({ sample: latest }, 'sample');
        }
      } finally {
        database.close();
      }
      for (const file of files) rotateWhenLarge(file);
    } catch (error) {
      log.error({ err: error }, 'the monitor could not look at the pipeline; it looks again');
    }
  };
  look();
  const timer = setInterval(look, settings.monitor.intervalS * 1000);
  return { latest: () => latest, stop: () => clearInterval(timer) };
}
