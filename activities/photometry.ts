/** Step `photometry`: measures every monitored source inside the image, looks for new ones, and leaves one line a measurement in a file. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type PhotometryResult, photometryResultSchema } from '../src/domain/science-result.ts';
import type { Measured, StepOutputs } from '../src/domain/step-output.ts';
import { attemptScratch } from '../src/runner/scratch.ts';
import type { HostScienceActivities } from './contract.ts';
import type { HostDependencies } from './dependencies.ts';
import { runScienceStep, type ScienceCall } from './science-step.ts';
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
    const asked = { attempt, requestedAt, parameters, files: image.result.files, positions, ms, measurementsPath };
    const measured = await measureImage(dependencies, asked, watch);
    return { ...measured, output: { measurementsPath, result: measured.output } };
  };

/** The program itself: `positions` on the planes of one image. */
export const measureImage = (
  dependencies: HostDependencies,
  asked: Pick<ScienceCall<PhotometryResult>, 'attempt' | 'requestedAt'> & {
    parameters: Order['parameters'];
    files: Pick<Order['image']['result']['files'], 'image' | 'beam' | 'residual' | 'model'>;
    positions: string;
    ms: string | null;
    measurementsPath: string;
  },
  watch: Parameters<typeof runScienceStep>[2],
): Promise<Measured<PhotometryResult>> =>
  runScienceStep(
    dependencies,
    {
      program: 'photometry',
      attempt: asked.attempt,
      requestedAt: asked.requestedAt,
      inputs: {
        image: asked.files.image,
        beam: asked.files.beam,
        residual: asked.files.residual,
        model: asked.files.model,
        positions: asked.positions,
        ms: asked.ms,
      },
      parameters: asked.parameters,
      outputs: () => ({ measurements: asked.measurementsPath }),
      resultSchema: photometryResultSchema,
    },
    watch,
  );

/** CSV of the monitored sources an image of this size can hold, corners included. */
function positionsAround(dependencies: HostDependencies, image: Order['image']['result']): string {
  const radiusDeg = (image.widthPx * image.cellArcsec * Math.SQRT2) / 2 / 3600;
  return sourcePositionsCsv(dependencies, { raDeg: image.centreRaDeg, decDeg: image.centreDecDeg, radiusDeg });
}
