/** GET /lineage/{kind}/{id}: from a light-curve point to raw file hashes in one call, or forward to what depends on a thing. */
import { z } from 'zod';
import type { LineageNode } from '../catalog/lineage-node.ts';
import { walkLineage } from '../catalog/lineage-walk.ts';
import { lineageKindSchema } from '../domain/lineage.ts';
import type { ApiDependencies } from './api-dependencies.ts';
import type { ApiServer } from './api-server.ts';
import { type LineageNodeOfApi, lineageSchema } from './contract/lineage.ts';
import { canonicalGroupId } from './groups.ts';
import { ApiProblem } from './problem.ts';

const lineageParamsSchema = z.strictObject({ kind: lineageKindSchema, id: z.string().min(1).max(100) });
const lineageQuerySchema = z.strictObject({
  direction: z.enum(['up', 'down']).default('up'),
  depth: z.coerce.number().int().min(1).optional().describe('steps away; all when absent'),
});

export function lineageRoutes(app: ApiServer, dependencies: ApiDependencies): void {
  app.route({
    method: 'GET',
    url: '/api/v1/lineage/:kind/:id',
    config: { role: 'viewer' },
    schema: { params: lineageParamsSchema, querystring: lineageQuerySchema, response: { 200: lineageSchema } },
    handler: async ({ params: { kind, id: named }, query }) => {
      const id = kind === 'group' ? canonicalGroupId(dependencies, named) : named;
      const lineage = walkLineage(dependencies.database, { kind, id }, query.direction, query.depth);
      if (lineage === null) throw new ApiProblem('unknown_product', `there is no ${kind} ${id}`);
      return { ...lineage, nodes: lineage.nodes.map(nodeOf) };
    },
  });
}

const nodeOf = (node: LineageNode): LineageNodeOfApi => ({
  ...node,
  attempts: node.attempts.map(({ step, attempt, outcome, host, started_at, ended_at, parameters_digest, error_code }) => ({
    step,
    attempt,
    outcome,
    host,
    started_at,
    ended_at,
    parameters_digest,
    error_code,
  })),
});
