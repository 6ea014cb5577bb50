/**
 * Which queue, limits and retries each class of step gets. Host steps are tried once by Temporal: the group's own loop
 * (run-step.ts) repeats them, so that every attempt is seen, recorded and counted against one budget.
 */
import { ActivityCancellationType, type ActivityOptions } from '@temporalio/workflow';
import { LANE_PRIORITY, type Lane } from '../src/domain/group-state.ts';
import { TASK_QUEUES } from '../src/domain/observation-group.ts';
import type { GroupPolicy } from '../src/domain/policy.ts';
import type { StepName } from '../src/domain/step.ts';

/** A planned restart of a worker must beat this, or the group is thought to have lost its host. */
const HOST_START_LIMIT = '30 seconds';
/** A science step may queue behind many others for a heavy slot; a host silent for this long is lost. */
const SCIENCE_START_LIMIT = '2 hours';

/** The single writer: small, idempotent, repeated until it succeeds. A command takes milliseconds; one lost with its worker costs this limit. */
export const catalogOptions = (lane: Lane): ActivityOptions => ({
  taskQueue: TASK_QUEUES.catalog,
  startToCloseTimeout: '10 seconds',
  retry: { initialInterval: '200ms', backoffCoefficient: 2, maximumInterval: '10 seconds' },
  priority: { priorityKey: LANE_PRIORITY[lane] },
});

export const probeOptions = (lane: Lane): ActivityOptions => ({
  taskQueue: TASK_QUEUES.pipeline,
  startToCloseTimeout: '10 seconds',
  retry: { initialInterval: '500ms', maximumAttempts: 5 },
  priority: { priorityKey: LANE_PRIORITY[lane] },
});

export const hostFileOptions = (queue: string, lane: Lane, policy: GroupPolicy): ActivityOptions => ({
  ...onceOnHost(queue, lane, policy),
  scheduleToStartTimeout: HOST_START_LIMIT,
});

export const scienceOptions = (queue: string, lane: Lane, policy: GroupPolicy): ActivityOptions => ({
  ...onceOnHost(queue, lane, policy),
  scheduleToStartTimeout: SCIENCE_START_LIMIT,
});

const onceOnHost = (queue: string, lane: Lane, policy: GroupPolicy): ActivityOptions => ({
  taskQueue: queue,
  startToCloseTimeout: policy.timing.inProgressTimeoutMs,
  heartbeatTimeout: policy.timing.heartbeatMs,
  retry: { maximumAttempts: 1 },
  // A cancelled step has ended its process group before the group is called cancelled.
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  priority: { priorityKey: LANE_PRIORITY[lane] },
});

/** How many times a step is tried before the group parks. */
export function attemptBudget(step: StepName, policy: GroupPolicy): number {
  return step === 'solve' ? Math.min(2, policy.timing.maxRetries) + 1 : policy.timing.maxRetries + 1;
}
