/** Steps and the JSON Schemas of their parameters as the API gives them. */
import { z } from 'zod';
import { STEP_CLASSES, stepNameSchema } from '../../domain/step.ts';

/** One property of a JSON Schema (draft 2020-12). */
const parameterSchema = z.looseObject({
  type: z.union([z.string(), z.array(z.string())]).optional(),
  description: z.string().optional(),
  default: z.unknown().optional(),
  enum: z.array(z.string()).optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  /** A parameter that may be null: one branch says `null`. */
  anyOf: z.array(z.looseObject({ type: z.string() })).optional(),
});

export type Parameter = z.infer<typeof parameterSchema>;

export const stepSchema = z.strictObject({
  name: stepNameSchema,
  class: z.enum(STEP_CLASSES),
  does: z.string(),
  /** Object schema (draft 2020-12) with snake_case property names. */
  parameters: z.strictObject({
    type: z.literal('object'),
    properties: z.record(z.string(), parameterSchema),
    additionalProperties: z.literal(false),
  }),
  defaults: z.record(z.string(), z.unknown()),
  /** What a new group runs with here: defaults with the configuration applied. */
  configured: z.record(z.string(), z.unknown()),
});
export type Step = z.infer<typeof stepSchema>;
export const stepListSchema = z.strictObject({ steps: z.array(stepSchema) });
export type StepList = z.infer<typeof stepListSchema>;
