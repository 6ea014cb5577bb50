/** POST /groups/{id}/resume and /cancel: the request of an operator, passed to the group's workflow, which judges it. */
import { camelCased } from '../domain/spelling.ts';
import { z } from 'zod';
import type { GroupStatus } from '../domain/observation-group.ts';
import type { ResumeRequest } from '../domain/operator-request.ts';
import type { ApiDependencies } from './api-dependencies.ts';
import type { ApiServer } from './api-server.ts';
import { cancelBodySchema, groupActionAnswerSchema, type ResumeBody, resumeBodySchema } from './contract/group.ts';
import { answeredByWorkflow } from './group-operations.ts';
import { canonicalGroupId, groupParamsSchema } from './groups.ts';

export function groupActionRoutes(app: ApiServer, dependencies: ApiDependencies): void {
  const { operations } = dependencies;
  app.route({
    method: 'POST',
    url: '/api/v1/groups/:id/resume',
    config: { role: 'operator' },
    schema: { params: groupParamsSchema, body: resumeBodySchema, response: { 200: groupActionAnswerSchema } },
    handler: async ({ params, body, caller }) => {
      const groupId = canonicalGroupId(dependencies, params.id);
      const status = await answeredByWorkflow(operations.resume(groupId, resumeRequestOf(body, caller.name)), 'not_waiting');
      return answerOf(status);
    },
  });

  app.route({
    method: 'POST',
    url: '/api/v1/groups/:id/cancel',
    config: { role: 'operator' },
    schema: { params: groupParamsSchema, body: cancelBodySchema, response: { 200: groupActionAnswerSchema } },
    handler: async ({ params, body, caller }) => {
      const groupId = canonicalGroupId(dependencies, params.id);
      const status = await answeredByWorkflow(operations.cancel(groupId, { by: caller.name, reason: body.reason }), 'already_completed');
      return answerOf(status);
    },
  });
}

const parametersSchema = z.record(z.string(), z.unknown());

function resumeRequestOf(body: ResumeBody, by: string): ResumeRequest {
  return {
    by,
    reason: body.reason,
    ...(body.from === undefined ? {} : { from: body.from }),
    ...(body.from_round === undefined ? {} : { fromRound: body.from_round }),
    ...(body.parameters === undefined ? {} : { parameters: parametersSchema.parse(camelCased(body.parameters)) }),
    ...(body.acknowledge_degraded === undefined ? {} : { acknowledgeDegraded: body.acknowledge_degraded }),
  };
}

const answerOf = (status: GroupStatus) => ({
  group_id: status.groupId,
  state: status.state,
  processing_stage: status.processingStage,
  step: status.step,
});
