/** One round of self-calibration of a calibrated set; the sets of all rounds stay in scratch until the group is released. */
import { join } from 'node:path';
import { selfCalParametersSchema } from '../src/domain/step-parameters.ts';
import { type SelfCalResult, selfCalResultSchema } from '../src/domain/self-calibration.ts';
import type { Measured } from '../src/domain/step-output.ts';
import type { HostScienceActivities } from './contract.ts';
import type { HostDependencies } from './dependencies.ts';
import { runScienceStep } from './science-step.ts';
import { writePositions } from './source-positions.ts';
import type { Supervised } from './supervised.ts';

type Order = Parameters<HostScienceActivities['selfCalibrate']>[0];

export const selfCalibrate =
  (dependencies: HostDependencies): Supervised<Order, Measured<SelfCalResult>> =>
  async ({ attempt, requestedAt, parameters, image, centre, round, ms, before }, watch) => {
    const place = { ...attempt, step: `selfcal-${round}` };
    return runScienceStep(
      dependencies,
      {
        program: 'selfcal',
        attempt: place,
        requestedAt,
        inputs: {
          ms,
          sources: await writePositions(dependencies, place, centre),
          round,
          before,
          image: { ...image, tier: 'quicklook' },
          memoryGb: dependencies.settings.worker.memoryGb ?? null,
        },
        parameters: selfCalParametersSchema.strip().parse(parameters),
        outputs: (workDir) => ({ ms: join(workDir, `${attempt.groupId}.round-${round}.ms`), gains: join(workDir, 'gains.npz') }),
        resultSchema: selfCalResultSchema,
      },
      watch,
    );
  };
