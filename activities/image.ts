/** Step `image`: one image of the group, published as a folder of FITS files and pictures under `images/`. */
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { dateFolderOfGroup, groupIdSchema } from '../src/domain/group-id.ts';
import { IMAGE_FILE_KINDS, type ImageResult, imageResultSchema } from '../src/domain/science-result.ts';
import type { Measured, StepOutputs } from '../src/domain/step-output.ts';
import { attemptScratch, bytesBelow } from '../src/runner/scratch.ts';
import type { HostScienceActivities } from './contract.ts';
import type { HostDependencies } from './dependencies.ts';
import { hashFolder, publishFolder } from './publish.ts';
import { runScienceStep, type ScienceCall } from './science-step.ts';
import { sourcePositionsCsv, surveyVersion } from './source-positions.ts';
import type { Supervised } from './supervised.ts';

/** Beyond the corners of the image the beam's side lobes still show the brightest sources. */
const OUTSIDE_DEG = 2;

type Order = Parameters<HostScienceActivities['image']>[0];

export const image =
  (dependencies: HostDependencies): Supervised<Order, Measured<Omit<StepOutputs['image'], 'productId'>>> =>
  async ({ attempt, requestedAt, parameters, ms, centre, calibrationSet, degradedReasons, missingSubbands }, watch) => {
    const workDir = attemptScratch(dependencies.settings.paths.scratch, attempt);
    const source = join(workDir, 'products');
    const sources = join(workDir, 'sources.csv');
    await mkdir(workDir, { recursive: true });
    await writeFile(sources, sourcePositionsCsv(dependencies, { ...centre, radiusDeg: parameters.extentDeg / Math.SQRT2 + OUTSIDE_DEG }));
    const asked = { attempt, requestedAt, parameters, ms, sources, calibrationSet, degradedReasons, missingSubbands };
    const measured = await makeImage(dependencies, { ...asked, directory: source, name: `${attempt.groupId}.img` }, watch);
    const contentHash = await hashFolder(source);
    const groupId = groupIdSchema.parse(attempt.groupId);
    const { path: directory } = await publishFolder({
      source,
      folder: join(dependencies.settings.paths.output, 'images', dateFolderOfGroup(groupId)),
      name: groupId,
      extension: '',
      contentHash,
      attempt,
    });
    const files = { ...measured.output.files };
    for (const kind of IMAGE_FILE_KINDS) files[kind] = join(directory, basename(files[kind]));
    return { ...measured, output: { directory, contentHash, bytes: await bytesBelow(directory), result: { ...measured.output, files } } };
  };

/** The program itself: what it makes stays where it made it. */
export async function makeImage(
  dependencies: HostDependencies,
  asked: Omit<Order, 'attempt' | 'centre'> &
    Pick<ScienceCall<ImageResult>, 'attempt'> & { sources: string; directory: string; name: string },
  watch: Parameters<typeof runScienceStep>[2],
): Promise<Measured<ImageResult>> {
  const survey = surveyVersion(dependencies);
  const measured = await runScienceStep(
    dependencies,
    {
      program: 'image',
      attempt: asked.attempt,
      requestedAt: asked.requestedAt,
      inputs: {
        ms: asked.ms,
        calibrationSet: asked.calibrationSet,
        degradedReasons: asked.degradedReasons,
        subbandsMissing: asked.missingSubbands,
        sources: asked.sources,
        survey: Object.entries(survey).flat().join(' ') || null,
        memoryGb: dependencies.settings.worker.memoryGb ?? null,
      },
      parameters: asked.parameters,
      outputs: () => ({ directory: asked.directory, name: asked.name }),
      resultSchema: imageResultSchema,
    },
    watch,
  );
  return { ...measured, output: { ...measured.output, software: { ...measured.output.software, ...survey } } };
}
