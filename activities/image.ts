/** Step `image`: one image of the group, published as a folder of FITS files and pictures under `images/`. */
import { basename, join } from 'node:path';
import { dateFolderOfGroup, groupIdSchema } from '../src/domain/group-id.ts';
import { IMAGE_FILE_KINDS, imageResultSchema } from '../src/domain/science-result.ts';
import type { Measured, StepOutputs } from '../src/domain/step-output.ts';
import { bytesBelow } from '../src/runner/scratch.ts';
import type { HostScienceActivities } from './contract.ts';
import type { HostDependencies } from './dependencies.ts';
import { hashFolder, publishFolder } from './publish.ts';
import { runScienceStep } from './science-step.ts';
import type { Supervised } from './supervised.ts';

type Order = Parameters<HostScienceActivities['image']>[0];

export const image =
  (dependencies: HostDependencies): Supervised<Order, Measured<Omit<StepOutputs['image'], 'productId'>>> =>
  async ({ attempt, requestedAt, parameters, ms, calibrationSet, degradedReasons, missingSubbands }, watch) => {
    let source = '';
    const measured = await runScienceStep(
      dependencies,
      {
        program: 'image',
        attempt,
        requestedAt,
        inputs: { ms, calibrationSet, degradedReasons, subbandsMissing: missingSubbands },
        parameters,
        outputs: (workDir) => {
          source = join(workDir, 'products');
          return { directory: source, name: `${attempt.groupId}.img` };
        },
        resultSchema: imageResultSchema,
      },
      watch,
    );
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
