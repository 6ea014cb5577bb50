/** A person's word on a candidate, on its way to the writer of the database. */
import type { Client } from '@temporalio/client';
import { CANDIDATE_WORKFLOW, type CandidateDecision } from '../domain/candidate.ts';
import { tellCatalog } from './catalog-word.ts';

/** False: there is no such candidate. */
export const decideCandidate = (client: Client, decision: CandidateDecision): Promise<boolean> =>
  tellCatalog(client, CANDIDATE_WORKFLOW, decision, 'decision');
