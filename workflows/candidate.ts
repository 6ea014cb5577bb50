/** A person's word on a candidate, around one catalog command: the database has one writer; this is how others reach it. */
import { proxyActivities } from '@temporalio/workflow';
import type { CandidateActivities, CandidateDecision } from '../src/domain/candidate.ts';
import { catalogOptions } from './activity-options.ts';

export const candidateDecision = (decision: CandidateDecision): Promise<boolean> =>
  proxyActivities<CandidateActivities>(catalogOptions('ondemand')).decideCandidate(decision);
