/**
 * The policies a group runs under, fixed in its workflow input when it starts, so that nothing is read from configuration
 * at replay. Durations in milliseconds.
 */
import { z } from 'zod';
import { stepNameSchema } from './step.ts';

const milliseconds = z.int().min(0);

const collectingPolicySchema = z.strictObject({
  expected: z.int().min(1).max(16).default(16),
  warnAfterMs: milliseconds.default(600_000),
  deadlineMs: milliseconds.default(1_800_000),
  minimum: z.int().min(1).max(16).default(14),
  onDeadline: z.enum(['convert-degraded', 'park', 'fail']).default('convert-degraded'),
  /** How often the member list is read again from the database, so that a lost signal costs this long and no group. */
  recheckMs: milliseconds.default(60_000),
});

const stepsPolicySchema = z.strictObject({
  solve: z.boolean().default(false),
  photometry: z.boolean().default(false),
  mosaic: z.boolean().default(false),
  /** Steps after this one are left out; `release` never is. A batch conversion ends at `organize`. */
  last: stepNameSchema.default('release'),
});

const timingPolicySchema = z.strictObject({
  heartbeatMs: milliseconds.default(30_000),
  /** Floor of one science attempt's time limit (`--in-progress-timeout`). */
  inProgressTimeoutMs: milliseconds.default(900_000),
  /** Retries after the first try. */
  maxRetries: z.int().min(0).max(20).default(3),
  firstRetryDelayMs: milliseconds.default(5_000),
  /** First look again of a step that waits for space. */
  spaceRecheckMs: milliseconds.default(30_000),
});

const calibrationPolicySchema = z.strictObject({
  validityHours: z.number().positive().default(12),
  stripToleranceDeg: z.number().positive().default(5),
  /** How long a group waits for a set before it parks as NoCalibration. */
  waitMs: milliseconds.default(1_800_000),
  /** Then it takes the nearest good set of its strip within so many days, marked as provisional; 0: it parks. */
  provisionalDays: z.number().min(0).max(30).default(0),
});

export const groupPolicySchema = z.strictObject({
  collecting: collectingPolicySchema.prefault({}),
  steps: stepsPolicySchema.prefault({}),
  timing: timingPolicySchema.prefault({}),
  calibration: calibrationPolicySchema.prefault({}),
  /** What a subband that arrives after conversion does to a degraded group. */
  upgrade: z.enum(['automatic', 'off']).default('automatic'),
});
export type GroupPolicy = z.infer<typeof groupPolicySchema>;
