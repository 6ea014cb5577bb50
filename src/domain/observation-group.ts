/**
 * What the workflow `observationGroup` is given and what it answers. Everything it decides by is in the input or in its
 * history.
 */
import { z } from 'zod';
import { groupKeySchema, subbandArrivalSchema } from './arrival.ts';
import { stepFailureSchema } from './failure.ts';
import { groupIdSchema } from './group-id.ts';
import { degradedReasonSchema, groupStateSchema, laneSchema, processingStageSchema } from './group-state.ts';
import { groupPolicySchema } from './policy.ts';
import { rerunStartSchema } from './rerun.ts';
import { stepNameSchema } from './step.ts';
import { allStepParametersSchema } from './step-parameters.ts';

export const observationGroupInputSchema = z.strictObject({
  schemaVersion: z.literal(1),
  groupId: groupIdSchema,
  key: groupKeySchema,
  lane: laneSchema,
  policy: groupPolicySchema,
  parameters: allStepParametersSchema,
  configDigest: z.string(),
  /** 1 for the first run; a later run supersedes the products of the earlier ones. */
  runNumber: z.int().min(1),
  /** Why this run exists, for a run after the first. */
  runReason: z.string().nullable(),
  /** Files the run before knew; the database and signals add to them. */
  arrivals: z.array(subbandArrivalSchema),
  /** A run over published products, and the request it answers. Absent: the run starts from the raw files. */
  rerun: z.strictObject({ from: rerunStartSchema, requestId: z.string() }).optional(),
});
export type ObservationGroupInput = z.infer<typeof observationGroupInputSchema>;

const attemptReportSchema = z.strictObject({
  step: stepNameSchema,
  attempt: z.int().min(1),
  startedAt: z.string(),
  endedAt: z.string().nullable(),
  outcome: z.enum(['running', 'done', 'skipped', 'failed', 'cancelled']),
  note: z.string().nullable(),
});
export type AttemptReport = z.infer<typeof attemptReportSchema>;

export const groupStatusSchema = z.strictObject({
  groupId: groupIdSchema,
  state: groupStateSchema,
  processingStage: processingStageSchema,
  step: stepNameSchema.nullable(),
  lane: laneSchema,
  host: z.string().nullable(),
  runNumber: z.int(),
  present: z.array(z.int()),
  missing: z.array(z.int()),
  late: z.array(subbandArrivalSchema),
  degradedReasons: z.array(degradedReasonSchema),
  attempts: z.array(attemptReportSchema),
  products: z.array(z.strictObject({ kind: z.string(), path: z.string() })),
  /** In words; null when nothing is waited for. */
  waitingFor: z.string().nullable(),
  /** What happens next without a person, in words. */
  nextAutomaticAction: z.string().nullable(),
  failure: stepFailureSchema.nullable(),
  failedStep: stepNameSchema.nullable(),
  /** The last operator request that was refused, with the reason: how a signal is answered. */
  lastRefusal: z.strictObject({ verb: z.string(), by: z.string(), reason: z.string() }).nullable(),
});
export type GroupStatus = z.infer<typeof groupStatusSchema>;

/** Names a client needs to talk to the workflow; the workflow defines its handlers from the same constants. */
export const GROUP_WORKFLOW_TYPE = 'observationGroup';
export const GROUP_SIGNALS = {
  subbandArrived: 'subbandArrived',
  resume: 'resume',
  calibrationAvailable: 'calibrationAvailable',
  rerun: 'rerun',
} as const;
export const GROUP_UPDATES = { resume: 'resume', cancel: 'cancel', setLane: 'setLane' } as const;
export const GROUP_QUERIES = { status: 'status' } as const;

export const TASK_QUEUES = {
  /** Workflow tasks, host claims. */
  pipeline: 'pipeline',
  /** The only writer of the product database. */
  catalog: 'catalog',
} as const;
/** Light file work of one host. */
export const hostQueue = (host: string): string => `host-${host}`;
/** Science subprocesses of one host: as many at once as it has heavy slots. */
export const hostScienceQueue = (host: string): string => `host-${host}-science`;

export const SEARCH_ATTRIBUTES = {
  ContimgState: 'KEYWORD',
  ContimgStep: 'KEYWORD',
  ContimgLane: 'KEYWORD',
  ContimgObservedAt: 'DATETIME',
  ContimgDec: 'DOUBLE',
  ContimgHost: 'KEYWORD',
  ContimgDegraded: 'BOOL',
  ContimgNeedsAttention: 'BOOL',
} as const;
