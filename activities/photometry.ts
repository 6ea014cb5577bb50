/** Step `photometry`: measures every monitored source inside the image and leaves one line a measurement in a file. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { photometryResultSchema } from '../src/domain/science-result.ts';
import type { Measured, StepOutputs } from '../src/domain/step-output.ts';
import { attemptScratch } from '../src/runner/scratch.ts';
import type { HostScienceActivities } from './contract.ts';
import type { HostDependencies } from './dependencies.ts';
import { runScienceStep } from './science-step.ts';
import { sourcePositionsCsv } from './source-positions.ts';
import type { Supervised } from './supervised.ts';

type Order = Parameters<HostScienceActivities['photometry']>[0];
type Answer = Pick<StepOutputs['photometry'], 'measurementsPath' | 'result'>;

export const photometry =
  (dependencies: HostDependencies): Supervised<Order, Measured<Answer>> =>
  async ({ attempt, requestedAt, parameters, image, ms }, watch) => {
    const workDir = attemptScratch(dependencies.settings.paths.scratch, attempt);
    const positions = join(workDir, 'positions.csv');
    const measurementsPath = join(workDir, 'measurements.jsonl');
    await mkdir(workDir, { recursive: true });
    await writeFile(positions, positionsAround(dependencies, image.result));
    const { files } = image.result;
    const measured = await runScienceStep(
      dependencies,
      {
        program: 'photometry',
        attempt,
        requestedAt,
        inputs: { image: files.image, beam: files.beam, residual: files.residual, positions, ms },
        parameters,
        outputs: () => ({ measurements: measurementsPath }),
        resultSchema: photometryResultSchema,
      },
      watch,
    );
    return { ...measured, output: { measurementsPath, result: measured.output } };
  };

/** CSV of the monitored sources an image of this size can hold, corners included. */
function positionsAround(dependencies: HostDependencies, image: Order['image']['result']): string {
  const radiusDeg = (image.widthPx * image.cellArcsec * Math.SQRT2) / 2 / 3600;
  return sourcePositionsCsv(dependencies, { raDeg: image.centreRaDeg, decDeg: image.centreDecDeg, radiusDeg });
}
