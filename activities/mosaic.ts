/**
 * Adds the images of a mosaic up, published as a folder under `mosaics/`. The running sums stay in scratch for a while, so that a
 * tile that comes later costs one tile; without them the mosaic is made whole.
 */
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { longestMs } from '../src/domain/mosaic.ts';
import { mosaicExtent } from '../src/domain/mosaic-extent.ts';
import { MOSAIC_FILE_KINDS, type MosaicOrder, type MosaicScienceActivities, mosaicResultSchema } from '../src/domain/mosaic-record.ts';
import type { Footprint, HostLedger } from '../src/runner/host-ledger.ts';
import { attemptScratch, bytesBelow, releaseRunButCapsules } from '../src/runner/scratch.ts';
import { admitted } from './admission.ts';
import type { HostDependencies } from './dependencies.ts';
import { hashFolder, publishFolder } from './publish.ts';
import { runScienceStep } from './science-step.ts';
import { sourcePositionsCsv } from './source-positions.ts';
import { type Supervised, supervised } from './supervised.ts';

/** Below scratch; no group has this name. */
const SUMS = 'mosaic-sums';
/** A late subband or a set that comes the next day still finds the sums. */
const SUMS_KEPT_MS = 48 * 3_600_000;
/** Measured on the grid of an hour: two sums, three planes, and what the quality check and the picture hold beside them. */
const MEMORY_A_PIXEL = 44;
const PROGRAM_MEMORY = 0.6 * 2 ** 30;
const SUMS_A_PIXEL = 8;
const FILES_A_PIXEL = 12;

type Work = Supervised<MosaicOrder, Awaited<ReturnType<MosaicScienceActivities['mosaic']>>>;

/** Queue `host-<name>-science`, beside the steps of groups. */
export const createMosaicActivities = (dependencies: HostDependencies, ledger: HostLedger): MosaicScienceActivities => ({
  mosaic: supervised(admitted(ledger, footprint, mosaic(dependencies))),
});

const extentOf = ({ plan }: MosaicOrder) => mosaicExtent(plan.covers, plan.halfTileDeg, plan.parameters.cellArcsec);

function footprint(order: MosaicOrder): Footprint {
  const { pixels } = extentOf(order);
  const published = FILES_A_PIXEL * pixels;
  return { memory: PROGRAM_MEMORY + MEMORY_A_PIXEL * pixels, scratch: SUMS_A_PIXEL * pixels + published, published };
}

export const mosaic =
  (dependencies: HostDependencies): Work =>
  async (order, watch) => {
    const { attempt, requestedAt, date, plan } = order;
    const { settings } = dependencies;
    const { scratch, output } = settings.paths;
    const name = attempt.groupId;
    const workDir = attemptScratch(scratch, attempt);
    const source = join(workDir, 'products');
    const sources = join(workDir, 'sources.csv');
    const sums = join(scratch, SUMS);
    for (const folder of [workDir, sums]) await mkdir(folder, { recursive: true });
    const { centre, radiusDeg } = extentOf(order);
    await writeFile(sources, sourcePositionsCsv(dependencies, { ...centre, radiusDeg }));
    const measured = await runScienceStep(
      dependencies,
      {
        program: 'mosaic',
        attempt,
        requestedAt,
        inputs: {
          members: plan.members.map(({ imageProductId, groupId, contentHash, files }) => ({
            id: String(imageProductId),
            name: groupId,
            contentHash,
            ...files,
          })),
          covers: plan.covers,
          halfTileDeg: plan.halfTileDeg,
          sources,
        },
        parameters: plan.parameters,
        outputs: () => ({ directory: source, name: `${name}.mosaic`, accumulator: join(sums, name) }),
        resultSchema: mosaicResultSchema,
        longestMs: longestMs(plan.members.length),
      },
      watch,
    ).catch(async (error: unknown) => {
      // What a person needs of a try that failed is its capsule, not a gigabyte of half a mosaic.
      await rm(source, { recursive: true, force: true });
      throw error;
    });
    const contentHash = await hashFolder(source);
    const { path: directory } = await publishFolder({
      source,
      folder: join(output, 'mosaics', date),
      name,
      extension: '',
      contentHash,
      attempt,
    });
    if (settings.scratch.cleanup) await releaseRunButCapsules(scratch, attempt);
    await forgetOldSums(sums, name);
    const files = { ...measured.output.files };
    for (const kind of MOSAIC_FILE_KINDS) files[kind] = join(directory, basename(files[kind]));
    return { ...measured, output: { result: { ...measured.output, files }, directory, contentHash, bytes: await bytesBelow(directory) } };
  };

async function forgetOldSums(folder: string, justUsed: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    if (name !== justUsed && Date.now() - (await stat(path)).mtimeMs > SUMS_KEPT_MS) await rm(path, { recursive: true, force: true });
  }
}
