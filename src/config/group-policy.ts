/**
 * From settings to what a group workflow is given once and for all: its policy, its step parameters and the digest that
 * names them.
 */
import { createHash } from 'node:crypto';
import type { z } from 'zod';
import { type GroupPolicy, groupPolicySchema } from '../domain/policy.ts';
import type { Settings } from './settings.ts';

const ms = (seconds: number): number => Math.round(seconds * 1000);

export function groupPolicyOf(settings: Settings): GroupPolicy {
  const { collecting, attempt, calibration, policy, disk } = settings;
  return groupPolicySchema.parse({
    collecting: {
      expected: collecting.expected,
      warnAfterMs: ms(collecting.warnAfterS),
      deadlineMs: ms(collecting.deadlineS),
      minimum: Math.min(collecting.minimum, collecting.expected),
      onDeadline: collecting.onDeadline,
      recheckMs: ms(collecting.recheckS),
    },
    steps: { solve: policy.solve, photometry: policy.photometry, mosaic: policy.mosaic, last: policy.lastStep },
    timing: {
      heartbeatMs: ms(attempt.heartbeatS),
      inProgressTimeoutMs: ms(attempt.timeoutFloorS),
      maxRetries: attempt.maxRetries,
      firstRetryDelayMs: ms(attempt.firstRetryDelayS),
      spaceRecheckMs: ms(disk.recheckS),
    },
    calibration: {
      validityHours: calibration.validityHours,
      stripToleranceDeg: calibration.stripToleranceDeg,
      provisionalDays: calibration.provisionalDays,
      waitMs: ms(calibration.waitS),
    },
    upgrade: policy.upgrade,
  } satisfies z.input<typeof groupPolicySchema>);
}

/** Equal for equal policy and parameters: kept in the workflow input and in products, so a change of settings shows. */
export function configDigestOf(settings: Settings): string {
  return createHash('sha256')
    .update(JSON.stringify([groupPolicyOf(settings), settings.steps]))
    .digest('hex');
}
