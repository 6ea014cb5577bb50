/**
 * Working off what lies on disk: what the workflow `backfill` is given and answers, and which groups of a range it starts.
 * The range is its name, so that the same range is never worked off twice at once.
 */
import { z } from 'zod';
import { groupKeySchema } from './arrival.ts';
import { groupIdSchema } from './group-id.ts';
import { type GroupState, groupStateSchema, laneSchema } from './group-state.ts';
import { groupPolicySchema } from './policy.ts';
import { allStepParametersSchema } from './step-parameters.ts';
import { secondTextFromUnixMs } from './utc.ts';

/** `2025-10-02T00:00:00..2025-10-02T06:00:00`, UTC, end not included. */
export const backfillRange = ({ startMs, endMs }: { startMs: number; endMs: number }): string =>
  `${secondTextFromUnixMs(startMs)}..${secondTextFromUnixMs(endMs)}`;

export const workflowIdOfBackfill = (range: string): string => `backfill/${range}`;
export const BACKFILL_WORKFLOW_TYPE = 'backfill';
export const BACKFILL_SIGNALS = { pause: 'pause', continue: 'continue', stop: 'stop' } as const;
export const BACKFILL_QUERIES = { progress: 'progress' } as const;

/** A group as the product database has it. */
const backfillGroupSchema = z.strictObject({
  groupId: groupIdSchema,
  state: groupStateSchema,
  runNumber: z.int(),
  key: groupKeySchema,
  /** Valid members on disk. */
  files: z.int(),
});
export type BackfillGroup = z.infer<typeof backfillGroupSchema>;

/** A group that holds a place of the window; only this run of it, or a later one, counts. */
const openGroupSchema = z.strictObject({ groupId: groupIdSchema, fromRun: z.int() });

export const backfillProgressSchema = z.strictObject({
  range: z.string(),
  lane: laneSchema,
  window: z.int(),
  /** `done`: every group of the range was looked at and none is open. */
  state: z.enum(['running', 'paused', 'stopped', 'done']),
  /** Who paused or stopped it, and why. */
  stateReason: z.string().nullable(),
  found: z.int(),
  skipped: z.record(z.string(), z.int()),
  started: z.int(),
  /** Groups that were in work already and are only waited for. */
  joined: z.int(),
  completed: z.int(),
  failed: z.int(),
  cancelled: z.int(),
  /** Groups that wait for a person; they hold no place of the window. */
  needsAttention: z.array(groupIdSchema),
  open: z.array(openGroupSchema),
  /** The last group looked at. */
  cursor: z.string().nullable(),
});
export type BackfillProgress = z.infer<typeof backfillProgressSchema>;

export const backfillInputSchema = z.strictObject({
  schemaVersion: z.literal(1),
  range: z.string(),
  /** RFC 3339, `[startAt, endAt)`. */
  startAt: z.string(),
  endAt: z.string(),
  lane: laneSchema,
  /** Groups in work at once. */
  window: z.int().min(1).max(1000),
  /** Why also completed and cancelled groups are done again; null: they are left alone. */
  force: z.string().nullable(),
  /** What its groups are started with. */
  policy: groupPolicySchema,
  parameters: allStepParametersSchema,
  configDigest: z.string(),
  /** How often the state of open groups is read. */
  lookEveryMs: z.int().min(1).default(5_000),
  /** Groups read at a time; each page is a run of the workflow. */
  pageSize: z.int().min(1).max(1000).default(50),
  /** What the run before left; null: the first one. */
  before: backfillProgressSchema.nullable(),
});
export type BackfillInput = z.infer<typeof backfillInputSchema>;

export type BackfillPlan = { kind: 'start'; runReason: string | null } | { kind: 'skip'; why: string };

/** Repeating a backfill starts nothing that is done; a group that failed is tried again. */
export function planBackfill(group: BackfillGroup, force: string | null): BackfillPlan {
  if (group.files === 0) return { kind: 'skip', why: 'no_files' };
  if ((group.state === 'completed' || group.state === 'cancelled') && force === null) return { kind: 'skip', why: group.state };
  if (group.runNumber === 0) return { kind: 'start', runReason: null };
  return { kind: 'start', runReason: force === null ? `backfill: the group was ${group.state}` : `backfill: ${force}` };
}

/** The words of a person that pauses, continues or stops it. */
export const backfillRequestSchema = z.strictObject({ by: z.string(), reason: z.string() });
export type BackfillRequest = z.infer<typeof backfillRequestSchema>;

/** Activities of queue `catalog` that a backfill asks. */
export interface BackfillActivities {
  /** Groups observed in `[startAt, endAt)` after one of them, oldest first. */
  groupsOfRange(question: { startAt: string; endAt: string; after: string | null; limit: number }): Promise<BackfillGroup[]>;
  statesOfGroups(groupIds: string[]): Promise<{ groupId: string; state: GroupState; runNumber: number }[]>;
}
