/** The canary's activities on queue `catalog`: which group is next, and the record of how it ended. */
import { canarySubject, writeCanary } from '../src/catalog/canaries.ts';
import { groupPolicyOf } from '../src/config/group-policy.ts';
import type { Settings } from '../src/config/settings.ts';
import { canaryRequestSchema } from '../src/domain/canary.ts';
import { type CanaryCatalogActivities, canaryRecordSchema } from '../src/domain/canary-command.ts';
import { type CatalogDependencies, reportingTo } from './catalog.ts';

type CanaryDependencies = Pick<CatalogDependencies, 'database' | 'log'> & { settings: Settings };

export function createCanaryCatalogActivities({ database, log, settings }: CanaryDependencies): CanaryCatalogActivities {
  const command = reportingTo(log);
  const { enabled: _, everyH: __, ...canary } = settings.canary;
  const { flag, calibrate, image, photometry, release } = settings.steps;
  return {
    chooseCanary: command(async (raw) => {
      const { groupId } = canaryRequestSchema.parse(raw);
      const found = canarySubject(database, groupId);
      if (found.group === null) return { subject: null, reason: found.reason };
      const parameters = { flag, calibrate, image, photometry, release };
      return { subject: { ...found.group, policy: groupPolicyOf(settings), parameters, canary } };
    }),
    recordCanary: command(async (raw) => writeCanary(database, canaryRecordSchema.parse(raw))),
  };
}
