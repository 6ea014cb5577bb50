/**
 * The steps of a canary that groups do not have: synthetic sources into a copy of a finished group, an image that is not
 * published, and the verdict on what came back. Reads the group's products, writes only the run's own scratch and `canary/`.
 */
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { CANARY_TAG, injectResultSchema, judgeCanary, recoverResultSchema } from '../src/domain/canary.ts';
import type { CanaryScienceActivities } from '../src/domain/canary-command.ts';
import { dateFolderOfGroup } from '../src/domain/group-id.ts';
import { snakeCased } from '../src/domain/spelling.ts';
import type { Footprint, HostLedger } from '../src/runner/host-ledger.ts';
import { attemptScratch, bytesBelow } from '../src/runner/scratch.ts';
import { admitted } from './admission.ts';
import type { HostDependencies } from './dependencies.ts';
import { makeImage } from './image.ts';
import { measureImage } from './photometry.ts';
import { hashFolder, publishFolder } from './publish.ts';
import { runScienceStep } from './science-step.ts';
import { writePositions } from './source-positions.ts';
import { type Supervised, supervised } from './supervised.ts';

type Orders = { [Name in keyof CanaryScienceActivities]: Parameters<CanaryScienceActivities[Name]>[0] };
type Step<Name extends keyof CanaryScienceActivities> = Supervised<Orders[Name], Awaited<ReturnType<CanaryScienceActivities[Name]>>>;

const GIB = 2 ** 30;

const footprintOfInjection = async ({ subject }: Orders['injectCanary']): Promise<Footprint> => ({
  memory: 2 * GIB,
  scratch: await bytesBelow(subject.publishedMs),
});
// WSClean sorts the visibilities into files of its own.
const footprintOfImage = async ({ ms }: Orders['imageCanary']): Promise<Footprint> => ({ memory: 2 * GIB, scratch: await bytesBelow(ms) });

/** Queue `host-<name>-science`, beside the steps of groups. */
export function createCanaryActivities(dependencies: HostDependencies, ledger: HostLedger): CanaryScienceActivities {
  return {
    injectCanary: supervised(admitted(ledger, footprintOfInjection, injectCanary(dependencies))),
    imageCanary: supervised(admitted(ledger, footprintOfImage, imageCanary(dependencies))),
    recoverCanary: supervised(admitted(ledger, () => ({ memory: 0.5 * GIB }), recoverCanary(dependencies))),
  };
}

const injectCanary =
  (dependencies: HostDependencies): Step<'injectCanary'> =>
  async ({ attempt, requestedAt, subject }, watch) => {
    const { image, choice, canary, parameters } = subject;
    const workDir = attemptScratch(dependencies.settings.paths.scratch, attempt);
    const catalogue = await writePositions(dependencies, attempt, subject.centre);
    const lists = { sources: join(workDir, 'with-synthetic.csv'), positions: join(workDir, 'synthetic.csv') };
    const { steadySnr, varyingSnr, varyingAmplitude, varyingPeriodH, minResponse, clearanceArcmin } = canary;
    const measured = await runScienceStep(
      dependencies,
      {
        program: 'inject',
        attempt,
        requestedAt,
        inputs: {
          ms: subject.publishedMs,
          sets: choice.sets.map(({ id, midMjd, tables }) => ({ id: String(id), midMjd, tables })),
          sources: catalogue,
          image: image.files.image,
          noiseJy: image.noiseJy,
          beamMajorArcsec: image.beamMajorArcsec,
        },
        parameters: {
          steadySnr,
          varyingSnr,
          varyingAmplitude,
          varyingPeriodH,
          minResponse,
          clearanceArcmin,
          fieldPhase: parameters.calibrate.fieldPhase,
        },
        outputs: () => ({ ms: join(workDir, `${subject.groupId}.canary.ms`), ...lists }),
        resultSchema: injectResultSchema,
      },
      watch,
    );
    return { ...measured, output: { result: measured.output, ...lists } };
  };

const imageCanary =
  (dependencies: HostDependencies): Step<'imageCanary'> =>
  async ({ attempt, requestedAt, subject, ms, sources }, watch) => {
    const { groupId, choice, missingSubbands, parameters } = subject;
    const directory = join(attemptScratch(dependencies.settings.paths.scratch, attempt), 'products');
    const calibrationSet = choice.sets.map(({ id }) => String(id)).join('+');
    const measured = await makeImage(
      dependencies,
      {
        attempt,
        requestedAt,
        ms,
        sources,
        calibrationSet,
        missingSubbands,
        directory,
        parameters: parameters.image,
        degradedReasons: [CANARY_TAG],
        name: `${groupId}.canary.img`,
      },
      watch,
    );
    return { ...measured, output: { directory, result: measured.output } };
  };

const recoverCanary =
  (dependencies: HostDependencies): Step<'recoverCanary'> =>
  async ({ attempt, requestedAt, subject, injected, image }, watch) => {
    const workDir = attemptScratch(dependencies.settings.paths.scratch, attempt);
    await mkdir(workDir, { recursive: true });
    const { positions } = injected;
    // What is injected is known, and what else is new was found on the image of the group.
    const parameters = { ...subject.parameters.photometry, blind: false };
    const asked = { requestedAt, parameters, positions, ms: null };
    const measurementsPath = join(workDir, 'measurements.jsonl');
    const before = join(workDir, 'before.jsonl');
    await measureImage(dependencies, { ...asked, attempt, files: image.result.files, measurementsPath }, watch);
    const again = { ...attempt, step: 'photometry-before' };
    await measureImage(dependencies, { ...asked, attempt: again, files: subject.image.files, measurementsPath: before }, watch);
    const measured = await runScienceStep(
      dependencies,
      {
        program: 'recover',
        attempt: { ...attempt, step: 'recover' },
        requestedAt,
        inputs: { image: image.result.files.image, measurements: measurementsPath, before, sources: injected.result.sources },
        parameters: {},
        outputs: () => ({}),
        resultSchema: recoverResultSchema,
      },
      watch,
    );
    const judged = judgeCanary(injected.result.sources, measured.output, subject.canary);
    const { groupId } = subject;
    const source = join(workDir, 'kept');
    await rm(source, { recursive: true, force: true });
    await mkdir(source);
    const { png, thumbnail, ...planes } = image.result.files;
    const kept = judged.verdict === 'pass' ? [png, thumbnail] : [png, thumbnail, ...Object.values(planes)];
    for (const file of kept) await copyFile(file, join(source, basename(file)));
    const told = snakeCased({ tag: CANARY_TAG, groupId, ...judged });
    await writeFile(join(source, 'canary.json'), `${JSON.stringify(told, null, 2)}\n`);
    const { path: directory } = await publishFolder({
      source,
      folder: join(dependencies.settings.paths.output, 'canary', dateFolderOfGroup(groupId)),
      name: groupId,
      extension: '',
      contentHash: await hashFolder(source),
      attempt,
    });
    return { ...measured, output: { ...judged, directory } };
  };
