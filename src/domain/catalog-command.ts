/**
 * What workflows ask of the catalog queue, the only writer of the product database. Every command is an idempotent upsert:
 * sending it again, as Temporal may, changes nothing.
 */
import { z } from 'zod';
import { type SubbandArrival, groupKeySchema } from './arrival.ts';
import type { BackfillActivities } from './backfill.ts';
import { stepFailureSchema } from './failure.ts';
import { type GroupId, groupIdSchema } from './group-id.ts';
import { degradedReasonSchema, groupStateSchema, laneSchema, processingStageSchema } from './group-state.ts';
import { concatResultSchema, imageResultSchema, solveResultSchema, validateResultSchema } from './science-result.ts';
import { stepNameSchema } from './step.ts';

/** The projection of a group workflow; written whole at each change. */
export const groupProjectionSchema = z.strictObject({
  groupId: groupIdSchema,
  workflowId: z.string(),
  runId: z.string(),
  runNumber: z.int(),
  /** Grows with each projection of this run: a late, older one never overwrites a newer one. */
  revision: z.int(),
  state: groupStateSchema,
  processingStage: processingStageSchema,
  step: stepNameSchema.nullable(),
  lane: laneSchema,
  host: z.string().nullable(),
  expectedSubbands: z.int(),
  presentSubbands: z.array(z.int()),
  degradedReasons: z.array(degradedReasonSchema),
  waitingFor: z.string().nullable(),
  failure: stepFailureSchema.nullable(),
  failedStep: stepNameSchema.nullable(),
  hasCalibrator: z.string().nullable(),
  key: groupKeySchema,
  receivedAt: z.string(),
  completedAt: z.string().nullable(),
});
export type GroupProjection = z.infer<typeof groupProjectionSchema>;

export const stepAttemptSchema = z.strictObject({
  groupId: groupIdSchema,
  runId: z.string(),
  step: stepNameSchema,
  attempt: z.int(),
  host: z.string().nullable(),
  startedAt: z.string(),
  endedAt: z.string(),
  outcome: z.enum(['done', 'skipped', 'failed', 'cancelled']),
  note: z.string().nullable(),
  failure: stepFailureSchema.nullable(),
  parametersDigest: z.string(),
  resources: z.looseObject({ cpuS: z.number(), maxRssBytes: z.number(), wallS: z.number() }).nullable(),
  bytesRead: z.number().nullable(),
  bytesWritten: z.number().nullable(),
  /** Measured phases of the step, e.g. load, phase, write of `concat`. */
  timingsS: z.record(z.string(), z.number()).nullable(),
});
export type StepAttempt = z.infer<typeof stepAttemptSchema>;

const productBase = {
  groupId: groupIdSchema,
  runId: z.string(),
  runNumber: z.int(),
  attempt: z.int(),
  path: z.string(),
  contentHash: z.string(),
  bytes: z.int(),
  parameters: z.record(z.string(), z.unknown()),
  software: z.record(z.string(), z.string()),
  degradedReasons: z.array(degradedReasonSchema),
  /** Product ids this one was made from. */
  inputProductIds: z.array(z.int()),
};

/** A product to be recorded. The same path recorded twice is the same product. */
export const productRecordSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('ms'),
    ...productBase,
    concat: concatResultSchema,
    classification: validateResultSchema.shape.classification,
  }),
  z.strictObject({ kind: z.literal('calibration_set'), ...productBase, solve: solveResultSchema, validityHours: z.number() }),
  z.strictObject({
    kind: z.literal('image'),
    ...productBase,
    image: imageResultSchema,
    calibrationSetIds: z.array(z.int()),
    how: z.string(),
  }),
]);
export type ProductRecord = z.infer<typeof productRecordSchema>;

const calibrationChoiceSchema = z.strictObject({
  /** One set, or the two that bracket the group in time. Empty: none is valid. */
  sets: z.array(
    z.strictObject({
      id: z.int(),
      productId: z.int(),
      midMjd: z.number(),
      tables: z.array(z.strictObject({ type: z.string(), order: z.int(), path: z.string() })),
    }),
  ),
  how: z.string(),
  /** For each set looked at and not taken, why: what an operator needs to read when none is. */
  rejected: z.array(z.strictObject({ id: z.int(), reason: z.string() })),
});
export type CalibrationChoice = z.infer<typeof calibrationChoiceSchema>;

/** Who asked for what, by which way, and why. */
export interface AuditEntry {
  actor: string;
  via: string;
  verb: string;
  target: string;
  reason: string;
  detail: Record<string, unknown>;
  requestId: string;
}

/** What a group's journal sends, each written as the command of its kind writes it. */
export type JournalRow =
  | { kind: 'projection'; row: GroupProjection }
  | { kind: 'attempt'; row: StepAttempt }
  | { kind: 'ledger'; row: Parameters<CatalogActivities['closeLedger']>[0] }
  | { kind: 'audit'; row: AuditEntry };

/** The activities of queue `catalog`. */
export interface CatalogActivities extends BackfillActivities {
  /** Rows of one group, in order. One that is refused for good does not keep the others from being written. */
  recordRows(rows: readonly JournalRow[]): Promise<void>;
  projectGroup(projection: GroupProjection): Promise<void>;
  recordAttempt(attempt: StepAttempt): Promise<void>;
  /** Answers the product's id; supersedes the current product of the same kind and group made by an earlier run. */
  recordProduct(record: ProductRecord): Promise<{ productId: number }>;
  /** Valid members of the group as ingest knows them now, one a subband (the newest settled one). */
  membersOf(groupId: GroupId): Promise<SubbandArrival[]>;
  chooseCalibration(question: {
    midMjd: number;
    decDeg: number;
    validityHours: number;
    stripToleranceDeg: number;
    /** None is valid and none came: the nearest one within `validityHours` will do, whatever it was registered for. */
    provisional: boolean;
  }): Promise<CalibrationChoice>;
  /** Reads the measurements file that photometry wrote and adds its points; a rerun supersedes the group's earlier points. */
  recordMeasurements(order: {
    groupId: GroupId;
    runNumber: number;
    imageProductId: number;
    measurementsPath: string;
    degradedReasons: string[];
  }): Promise<{ points: number; variableSources: number; newSources: number }>;
  /** The ledger row of the group: an outcome and a reason, once it has ended (or pending again when a new run starts). */
  closeLedger(entry: { groupId: GroupId; outcome: 'done' | 'degraded' | 'skipped' | 'missing' | 'pending'; reason: string }): Promise<void>;
  /** One audit row, in the words of the request. */
  recordAudit(entry: AuditEntry): Promise<void>;
}
