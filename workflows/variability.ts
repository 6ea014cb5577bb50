/** Each night: every source's variability made again from its points, page by page, and the candidates that follow from it. */
import { proxyActivities, setCurrentDetails } from '@temporalio/workflow';
import type { VariabilityActivities } from '../src/domain/variability-command.ts';
import { catalogOptions } from './activity-options.ts';

/** A year of points a source; the writer is never held for longer than an image holds it. */
const SOURCES_AT_ONCE = 100;

export async function variabilityRecheck(): Promise<{ sources: number; corrected: number }> {
  const catalog = proxyActivities<VariabilityActivities>(catalogOptions('reprocess'));
  const total = { sources: 0, corrected: 0 };
  for (let after = 0; ; ) {
    const page = await catalog.recheckVariability({ after, limit: SOURCES_AT_ONCE });
    total.sources += page.sources;
    total.corrected += page.corrected;
    setCurrentDetails(`${total.sources} sources looked at, ${total.corrected} put right.`);
    if (page.last === null || page.sources < SOURCES_AT_ONCE) break;
    after = page.last;
  }
  await catalog.settleCandidates();
  return total;
}
