/** Groups as the API gives them: one row of a list, and one group with all that a person needs to decide. */
import { z } from 'zod';
import { FAILURE_TYPES } from '../../domain/failure.ts';
import { degradedReasonSchema, groupStateSchema, laneSchema, processingStageSchema } from '../../domain/group-state.ts';
import { reasonSchema } from '../../domain/operator-request.ts';
import { stepNameSchema } from '../../domain/step.ts';
import { instantSchema } from './instant.ts';
import { listOf } from './listing.ts';

const groupProblemSchema = z.strictObject({
  type: z.enum(FAILURE_TYPES),
  code: z.string(),
  message: z.string(),
  remedy: z.string(),
});

const groupRowSchema = z.strictObject({
  group_id: z.string(),
  state: groupStateSchema,
  processing_stage: processingStageSchema,
  step: stepNameSchema.nullable(),
  lane: laneSchema,
  host: z.string().nullable(),
  degraded: z.boolean(),
  degraded_reasons: z.array(degradedReasonSchema),
  present: z.int(),
  expected: z.int(),
  observed_at: instantSchema,
  updated_at: instantSchema,
  waiting_for: z.string().nullable(),
  error_type: z.enum(FAILURE_TYPES).nullable(),
  error: groupProblemSchema.nullable(),
});
export type GroupRow = z.infer<typeof groupRowSchema>;
export const groupListSchema = listOf(groupRowSchema);
export type GroupList = z.infer<typeof groupListSchema>;

const subbandCellSchema = z.strictObject({
  subband: z.int(),
  /** `missing`: no file is known. Otherwise the verdict of ingest on the newest file. */
  status: z.enum(['missing', 'settling', 'valid', 'invalid', 'duplicate', 'superseded']),
  arrived_at: instantSchema.nullable(),
  bytes: z.int().nullable(),
  reason: z.string().nullable(),
});
export type SubbandCell = z.infer<typeof subbandCellSchema>;

const attemptSchema = z.strictObject({
  step: stepNameSchema,
  attempt: z.int(),
  run: z.string(),
  host: z.string().nullable(),
  started_at: instantSchema,
  ended_at: instantSchema,
  duration_s: z.number(),
  outcome: z.enum(['done', 'skipped', 'failed', 'cancelled']),
  note: z.string().nullable(),
  error: z.string().nullable(),
  cpu_s: z.number().nullable(),
  max_rss_bytes: z.number().nullable(),
});
export type Attempt = z.infer<typeof attemptSchema>;

const groupProductSchema = z.strictObject({
  product_id: z.int(),
  kind: z.string(),
  status: z.string(),
  path: z.string(),
  bytes: z.int(),
  content_hash: z.string(),
  created_at: instantSchema,
  /** Of an image. */
  png_url: z.string().nullable(),
});

const VERBS = ['resume', 'cancel'] as const;

export const groupDetailSchema = groupRowSchema.extend({
  subbands: z.array(subbandCellSchema).length(16),
  attempts: z.array(attemptSchema),
  products: z.array(groupProductSchema),
  /** Sentences: why it is in this state and what a person can do. */
  explanation: z.array(z.string()),
  next_automatic_action: z.string().nullable(),
  verbs_allowed: z.array(z.enum(VERBS)),
  resumable_from: z.array(stepNameSchema),
  failed_step: stepNameSchema.nullable(),
  workflow: z.strictObject({ id: z.string(), run: z.string().nullable(), ui_url: z.string() }),
});
export type GroupDetail = z.infer<typeof groupDetailSchema>;

export const resumeBodySchema = z.strictObject({
  reason: reasonSchema,
  from: stepNameSchema.optional(),
  /** Of self-calibration, when it starts from calibrate. */
  from_round: z.int().min(1).optional(),
  /** Overrides of the parameters of `from`, snake_case as in GET /steps. */
  parameters: z.record(z.string(), z.unknown()).optional(),
  acknowledge_degraded: z.boolean().optional(),
});
export type ResumeBody = z.infer<typeof resumeBodySchema>;

export const cancelBodySchema = resumeBodySchema.pick({ reason: true });

export const groupActionAnswerSchema = z.strictObject({
  group_id: z.string(),
  state: groupStateSchema,
  processing_stage: processingStageSchema,
  step: stepNameSchema.nullable(),
});
