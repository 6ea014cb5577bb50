/** GET /sources/candidates: sources that vary like an extreme scattering event or a flare, highest score first. */
import { z } from 'zod';
import { type CandidateListing, listCandidates } from '../catalog/candidates.ts';
import { CANDIDATE_STATUSES } from '../domain/candidate.ts';
import type { ApiDependencies } from './api-dependencies.ts';
import type { ApiServer } from './api-server.ts';
import { type Candidate, candidateListSchema } from './contract/candidate.ts';

const candidatesQuerySchema = z.strictObject({
  status: z.enum(CANDIDATE_STATUSES).optional(),
  score_min: z.coerce.number().min(0).default(0),
});

export function candidateRoutes(app: ApiServer, { database }: ApiDependencies): void {
  app.route({
    method: 'GET',
    url: '/api/v1/sources/candidates',
    config: { role: 'viewer' },
    schema: { querystring: candidatesQuerySchema, response: { 200: candidateListSchema } },
    handler: async ({ query }) => {
      const items = listCandidates(database, query.status ?? null)
        .filter((candidate) => (candidate.ese_score ?? 0) >= query.score_min)
        .map(candidateOf);
      return { items, total: items.length };
    },
  });
}

function candidateOf({ id, n, ...candidate }: CandidateListing): Candidate {
  return { ...candidate, candidate_id: id, n_points: n ?? 0 };
}
