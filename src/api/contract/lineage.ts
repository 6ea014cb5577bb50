/** A lineage as the API gives it: things, and which was made from which. */
import { z } from 'zod';
import { lineageKindSchema } from '../../domain/lineage.ts';
import { stepNameSchema } from '../../domain/step.ts';

const lineageAttemptSchema = z.strictObject({
  step: stepNameSchema,
  attempt: z.int(),
  outcome: z.string(),
  host: z.string().nullable(),
  started_at: z.string(),
  ended_at: z.string(),
  parameters_digest: z.string(),
  error_code: z.string().nullable(),
});

const lineageNodeSchema = z.strictObject({
  key: z.string(),
  kind: lineageKindSchema,
  id: z.string(),
  label: z.string(),
  status: z.string().nullable(),
  path: z.string().nullable(),
  /** SHA-256 of a raw file as the conversion read it; of a product, the digest under which it was published. */
  hash: z.string().nullable(),
  software: z.record(z.string(), z.string()).nullable(),
  parameters: z.record(z.string(), z.unknown()).nullable(),
  attempts: z.array(lineageAttemptSchema),
  facts: z.record(z.string(), z.unknown()),
});
export type LineageNodeOfApi = z.infer<typeof lineageNodeSchema>;

export const lineageSchema = z.strictObject({
  nodes: z.array(lineageNodeSchema),
  /** `from` was made from `to`; a group stands for its products. */
  edges: z.array(z.strictObject({ from: z.string(), to: z.string() })),
  left_out: z.int(),
});
