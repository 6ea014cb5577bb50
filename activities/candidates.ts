/** On queue `catalog`: a person's word on a candidate, with its audit entry, in one transaction. */
import { insertAudit } from '../src/catalog/audit.ts';
import { candidateById, decideCandidate } from '../src/catalog/candidates.ts';
import { inTransaction } from '../src/catalog/statement.ts';
import { type CandidateActivities, candidateDecisionSchema } from '../src/domain/candidate.ts';
import { isoFromUnixMs } from '../src/domain/utc.ts';
import { type CatalogDependencies, reportingTo } from './catalog.ts';

type CandidateDependencies = Pick<CatalogDependencies, 'database' | 'log' | 'now'>;

export function createCandidateActivities({ database, log, now = Date.now }: CandidateDependencies): CandidateActivities {
  const command = reportingTo(log);
  return {
    decideCandidate: command(async (raw) => {
      const { candidateId: id, status, by, via, reason, requestId } = candidateDecisionSchema.parse(raw);
      const at = isoFromUnixMs(now());
      return inTransaction(database, () => {
        const before = candidateById(database, id)?.status;
        if (!decideCandidate(database, { id, status, by, note: reason, at })) return false;
        const detail = { before, after: status };
        insertAudit(database, { actor: by, via, verb: 'judge', target: `candidate/${id}`, reason, detail, requestId, at });
        return true;
      });
    }),
  };
}
