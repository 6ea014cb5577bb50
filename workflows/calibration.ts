/**
 * `calibration/<calibrator>/<group>`: solves one calibrator transit, registers the set whatever its verdict, and tells the
 * groups that wait. A set that failed its quality gate is kept for people and is never offered to a group.
 */
import { ApplicationFailure, proxyActivities } from '@temporalio/workflow';
import type { CatalogActivities, HostScienceActivities, ProbeActivities } from '../activities/contract.ts';
import { CALIBRATION_GATE, type RejectedTry } from '../src/domain/calibration-try.ts';
import type { ProductRecord } from '../src/domain/catalog-command.ts';
import type { StepFailure } from '../src/domain/failure.ts';
import type { Lane } from '../src/domain/group-state.ts';
import type { GroupPolicy } from '../src/domain/policy.ts';
import type { SolveResult } from '../src/domain/science-result.ts';
import type { Measured } from '../src/domain/step-output.ts';
import { catalogOptions, probeOptions, scienceOptions } from './activity-options.ts';

type MadeBy = Pick<ProductRecord, 'groupId' | 'runId' | 'runNumber' | 'attempt' | 'parameters' | 'degradedReasons'>;

export interface CalibrationInput extends MadeBy {
  lane: Lane;
  policy: GroupPolicy;
  scienceQueue: string;
  order: Parameters<HostScienceActivities['solve']>[0];
  msProductId: number;
  flagging: RejectedTry['flagging'];
  /** What was tried in this run before. */
  rejectedTries: RejectedTry[];
}

export interface CalibrationOutcome {
  result: SolveResult;
  productId: number;
  cost: Omit<Measured<unknown>, 'output'>;
}

export async function calibration(input: CalibrationInput): Promise<CalibrationOutcome> {
  const { lane, policy, scienceQueue, order, msProductId, flagging, rejectedTries, ...madeBy } = input;
  const { output, ...cost } = await proxyActivities<HostScienceActivities>(scienceOptions(scienceQueue, lane, policy)).solve(order);
  const { result, directory, contentHash, bytes } = output;
  const catalog = proxyActivities<CatalogActivities>(catalogOptions(lane));
  const { productId } = await catalog.recordProduct({
    kind: 'calibration_set',
    ...madeBy,
    parameters: { ...madeBy.parameters, calibrator: order.calibrator, flagging, rejectedTries },
    path: directory,
    contentHash,
    bytes,
    software: result.software ?? {},
    inputProductIds: [msProductId],
    solve: result,
    validityHours: policy.calibration.validityHours,
  });
  if (!result.passed) {
    const failure: StepFailure = {
      type: 'QualityRejected',
      code: CALIBRATION_GATE,
      message: `the solutions of ${result.calibrator} failed their gate: ${result.reasons.join('; ')}`,
      remedy: 'look at the set (kept, not used); resume from flag or solve with corrected parameters',
      sideEffects: 'published',
      capsulePath: null,
    };
    throw ApplicationFailure.create({ type: failure.type, message: failure.message, nonRetryable: true, details: [failure] });
  }
  await proxyActivities<ProbeActivities>(probeOptions(lane)).broadcastCalibration({ productId, decDeg: result.decDeg });
  return { result, productId, cost };
}
