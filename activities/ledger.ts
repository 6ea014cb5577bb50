/**
 * The ledger's activities on queue `catalog`: the look of each minute at what the telescope should have produced, and a
 * person's explanation of a hole. A pointing schedule that cannot be used is said so in the ledger, never guessed at.
 */
import { insertAudit } from '../src/catalog/audit.ts';
import { annotateRow } from '../src/catalog/ledger.ts';
import { lookAtLedger } from '../src/catalog/ledger-look.ts';
import { inTransaction } from '../src/catalog/statement.ts';
import { readPointingSchedule } from '../src/config/pointing-schedule-file.ts';
import type { Settings } from '../src/config/settings.ts';
import { annotationSchema, type LedgerActivities } from '../src/domain/ledger-command.ts';
import { isoFromUnixMs } from '../src/domain/utc.ts';
import { type CatalogDependencies, reportingTo } from './catalog.ts';

export type LedgerDependencies = Pick<CatalogDependencies, 'database' | 'log' | 'now'> & {
  settings: Pick<Settings, 'cadence' | 'collecting'> & { paths: Pick<Settings['paths'], 'pointingSchedule'> };
};

export function createLedgerActivities({ database, log, settings, now = Date.now }: LedgerDependencies): LedgerActivities {
  const command = reportingTo(log);
  const look = command<void, Awaited<ReturnType<LedgerActivities['lookAtLedger']>>>(async () => {
    const { schedule, problem } = await readPointingSchedule(settings.paths.pointingSchedule);
    if (problem !== null) log.warn({ problem }, 'the pointing schedule is not used');
    const { is_expecting: isExpecting, basis } = lookAtLedger(database, {
      nowMs: now(),
      nominalCadenceMs: settings.cadence.nominalMin * 60_000,
      deadlineMs: settings.collecting.deadlineS * 1000,
      schedule,
      scheduleProblem: problem,
    });
    return { isExpecting, basis };
  });
  return {
    lookAtLedger: () => look(),
    annotateLedger: command(async (raw) => {
      const { rowId, by, via, reason, requestId } = annotationSchema.parse(raw);
      const at = isoFromUnixMs(now());
      return inTransaction(database, () => {
        if (!annotateRow(database, { id: rowId, by, text: reason, at })) return false;
        insertAudit(database, { actor: by, via, verb: 'annotate', target: `ledger/${rowId}`, reason, detail: {}, requestId, at });
        return true;
      });
    }),
  };
}
