/** GET /steps: what each step does and the JSON Schema of its parameters, from which forms and `--set` are made. */
import { z } from 'zod';
import { snakeCased } from '../domain/spelling.ts';
import { STEPS } from '../domain/step.ts';
import { type StepParameters, stepParameterSchemas } from '../domain/step-parameters.ts';
import type { ApiDependencies } from './api-dependencies.ts';
import type { ApiServer } from './api-server.ts';
import { type Step, stepListSchema, stepSchema } from './contract/step.ts';

export function stepRoutes(app: ApiServer, { settings }: ApiDependencies): void {
  const answer = { steps: STEPS.map((step) => describeStep(step, settings.steps)) };
  app.route({
    method: 'GET',
    url: '/api/v1/steps',
    config: { role: 'viewer' },
    schema: { response: { 200: stepListSchema } },
    handler: async () => answer,
  });
}

function describeStep(step: (typeof STEPS)[number], configured: StepParameters): Step {
  const schema = stepParameterSchemas[step.name];
  const { properties } = z.toJSONSchema(schema, { io: 'input' });
  // Only the parameters' own names are respelled: JSON Schema's keywords are camelCase by definition.
  const respelled = Object.entries(properties ?? {}).map(([name, property]) => [
    Object.keys(Object(snakeCased({ [name]: 0 })))[0] ?? name,
    property,
  ]);
  return stepSchema.parse({
    name: step.name,
    class: step.class,
    does: step.does,
    parameters: { type: 'object', properties: Object.fromEntries(respelled), additionalProperties: false },
    defaults: snakeCased(schema.parse({})),
    configured: snakeCased(configured[step.name]),
  });
}
