/**
 * Batch conversion in this process: admits the files, runs the steps and writes the product database, as watcher, worker and
 * catalog queue would. Refused while one of these runs on the same database: there is never a second writer.
 */
import { createCatalogActivities } from '../../activities/catalog.ts';
import { applySettings } from '../catalog/apply-settings.ts';
import { openForWriting } from '../catalog/database.ts';
import type { Settings } from '../config/settings.ts';
import type { WatchStatus } from '../ingest/watch-status.ts';
import type { Logger } from '../telemetry/log.ts';
import { admitDirectory, doEach, groupsOfBatch, type Interval } from './batch.ts';
import { type Conversion, convertInForeground } from './foreground-conversion.ts';
import { hostOf } from './host.ts';

export interface BatchOrder {
  settings: Settings;
  interval: Interval;
  /** Groups at a time. */
  jobs: number;
  force: boolean;
  signal: AbortSignal;
  progress: (line: string) => void;
  log: Logger;
}

/** Answers a line a group, oldest first; groups not begun when the signal comes are not among them. */
export async function convertBatch(order: BatchOrder): Promise<{ conversions: Conversion[]; seen: WatchStatus; groupIds: string[] }> {
  const { settings, log, signal } = order;
  const watch = openForWriting(settings.paths.database, { role: 'watch' });
  try {
    const writer = openForWriting(settings.paths.database, { role: 'catalog' });
    try {
      applySettings(writer.database, settings, new Date().toISOString());
      const seen = await admitDirectory(settings, watch.database, log);
      const everyGroup = await groupsOfBatch(writer.database, settings, ALWAYS);
      const wanted = await groupsOfBatch(writer.database, settings, order.interval);
      const catalog = createCatalogActivities({ database: writer.database, log });
      const engine = { dependencies: hostOf(settings, log), database: writer.database, catalog };
      const answers = await doEach(wanted, order.jobs, async (entry) =>
        signal.aborted ? null : convertInForeground(engine, { ...entry, force: order.force, signal, progress: order.progress }),
      );
      const conversions = answers.filter((answer) => answer !== null);
      return { conversions, seen, groupIds: everyGroup.map(({ group }) => group.group_id) };
    } finally {
      writer.close();
    }
  } finally {
    watch.close();
  }
}

const ALWAYS: Interval = { startMs: 0, endMs: Date.UTC(9999, 0) };
