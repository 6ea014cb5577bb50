/** On queue `catalog`: the nightly look at the variability of every source, in pages, and at the candidates. */
import { settleCandidates } from '../src/catalog/candidates.ts';
import { recheckVariability } from '../src/catalog/recheck-variability.ts';
import { inTransaction } from '../src/catalog/statement.ts';
import { DEFAULT_ESE_PRESET } from '../src/domain/candidate.ts';
import { isoFromUnixMs } from '../src/domain/utc.ts';
import type { VariabilityActivities } from '../src/domain/variability-command.ts';
import { type CatalogDependencies, reportingTo } from './catalog.ts';

type VariabilityDependencies = Pick<CatalogDependencies, 'database' | 'log' | 'esePreset' | 'now'>;

export function createVariabilityActivities(dependencies: VariabilityDependencies): VariabilityActivities {
  const { database, log, esePreset = DEFAULT_ESE_PRESET, now = Date.now } = dependencies;
  const command = reportingTo(log);
  const settle = command<void, void>(async () => {
    inTransaction(database, () => settleCandidates(database, esePreset, isoFromUnixMs(now())));
  });
  return {
    recheckVariability: command(async (page) => {
      const found = recheckVariability(database, { ...page, at: isoFromUnixMs(now()) });
      if (found.corrected > 0) log.warn(found, 'the variability of sources was not that of their points; it was made again');
      return found;
    }),
    settleCandidates: () => settle(),
  };
}
