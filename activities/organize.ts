/**
 * Step `organize`: checks every row of the new Measurement Set, decides whether it is a calibrator's or a science group's,
 * and publishes it under `ms/{science|calibrators}/YYYY-MM-DD/`. A crash at any instant leaves no set, a whole set, or a
 * whole set without manifest, which the next attempt verifies and finishes.
 */
import { join } from 'node:path';
import { lackingIn } from '../src/domain/degradation.ts';
import { StepError } from '../src/domain/failure.ts';
import { SET_GONE } from '../src/domain/rerun.ts';
import { dateFolderOfGroup, groupIdSchema } from '../src/domain/group-id.ts';
import { parametersDigest } from '../src/domain/parameters-digest.ts';
import { type ValidateResult, validateResultSchema } from '../src/domain/science-result.ts';
import type { Measured, StepOutputs } from '../src/domain/step-output.ts';
import { bytesBelow } from '../src/runner/scratch.ts';
import type { HostScienceActivities } from './contract.ts';
import type { HostDependencies } from './dependencies.ts';
import { resolveFailures } from './failed-folder.ts';
import { aliasNames, type Manifest, manifestPathOf, readManifest, writeManifest } from './manifest.ts';
import { exists, hashFolder, type MovedBytes, moveInto, versionedPath } from './publish.ts';
import { runScienceStep } from './science-step.ts';
import type { Supervised } from './supervised.ts';

type Order = Parameters<HostScienceActivities['organize']>[0];
type Answer = Omit<StepOutputs['organize'], 'productId'>;

const FOLDER_OF_KIND = { science: 'science', calibrator: 'calibrators' } as const;

export const organize =
  (dependencies: HostDependencies): Supervised<Order, Measured<Answer>> =>
  async (order, watch) => {
    const { concat, attempt } = order;
    const published = await findPublished(dependencies.settings.paths.output, attempt.groupId, concat.contentDigest);
    if (published?.validation !== undefined) {
      return { ...(await answer(published.ms, published.validation)), resources: null, timingsS: null, note: 'was published already' };
    }
    const source = await setToCheck(concat.ms, published?.ms);
    if (source === undefined) throw setIsGone(concat.ms);

    const measured = await runScienceStep(
      dependencies,
      {
        program: 'validate',
        attempt,
        requestedAt: order.requestedAt,
        inputs: {
          ms: source,
          members: concat.inputs.map(({ path, subband }) => ({ path, subband })),
          t0Jd: order.key.t0Jd,
          decRad: order.key.decRad,
          concat,
        },
        parameters: order.parameters,
        outputs: () => ({}),
        resultSchema: validateResultSchema,
      },
      watch,
    );
    const validation = measured.output;
    const startedAt = performance.now();
    const { path: ms, ...moved } =
      source === concat.ms ? await publish(dependencies, order, validation) : { path: source, bytesRead: 0, bytesWritten: 0 };
    const publishS = (performance.now() - startedAt) / 1000;
    await writeManifest(ms, manifestOf(dependencies, order, measured, publishS));
    const { runId, runNumber } = attempt;
    await resolveFailures(dependencies.settings.paths.output, groupIdSchema.parse(attempt.groupId), {
      ms,
      runId,
      runNumber,
      at: order.requestedAt,
    });
    const timingsS = { ...validation.timingsS, publish: publishS };
    return { ...measured, ...(await answer(ms, validation)), ...moved, timingsS };
  };

function manifestOf({ openCatalog }: HostDependencies, order: Order, validated: Measured<ValidateResult>, publishS: number): Manifest {
  const { attempt, concat, key, degradedReasons, conversion } = order;
  const { subbands, short } = lackingIn(concat);
  const parameters = { ...(conversion !== undefined && { concat: conversion.parameters }), organize: order.parameters };
  return {
    groupId: attempt.groupId,
    aliases: aliasNames(openCatalog, groupIdSchema.parse(attempt.groupId)),
    runId: attempt.runId,
    runNumber: attempt.runNumber,
    key,
    contentDigest: concat.contentDigest,
    subbandsMissing: subbands,
    integrationsMissing: short,
    degradedReasons,
    parameters,
    parametersDigest: parametersDigest(parameters),
    secondsMeasured: {
      ...concat.timingsS,
      ...(validated.resources !== null && { validate: validated.resources.wallS }),
      publish: publishS,
    },
    peakMemoryBytes: { concat: conversion?.resources?.maxRssBytes ?? null, validate: validated.resources?.maxRssBytes ?? null },
    conversion: concat,
    validation: validated.output,
  };
}

async function publish({ settings }: HostDependencies, order: Order, validation: ValidateResult): Promise<{ path: string } & MovedBytes> {
  const groupId = groupIdSchema.parse(order.attempt.groupId);
  const folder = join(settings.paths.output, 'ms', FOLDER_OF_KIND[validation.classification.kind], dateFolderOfGroup(groupId));
  for (let version = 1; ; version += 1) {
    const path = versionedPath(folder, groupId, '.ms', version);
    if (await exists(path)) continue;
    return { path, ...(await moveInto(order.concat.ms, path, order.attempt)) };
  }
}

/** A version of this group's set with this content; without validation when it still lacks its manifest. */
async function findPublished(
  output: string,
  groupId: string,
  contentDigest: string,
): Promise<{ ms: string; validation?: ValidateResult } | null> {
  let unfinished: string | null = null;
  for (const kind of Object.values(FOLDER_OF_KIND)) {
    const folder = join(output, 'ms', kind, dateFolderOfGroup(groupIdSchema.parse(groupId)));
    for (let version = 1; ; version += 1) {
      const ms = versionedPath(folder, groupId, '.ms', version);
      if (!(await exists(ms))) break;
      const manifest = await readManifest(ms);
      if (manifest === null) unfinished = ms;
      else if (manifest.contentDigest === contentDigest) return { ms, validation: manifest.validation };
    }
  }
  return unfinished === null ? null : { ms: unfinished };
}

async function answer(
  ms: string,
  validation: ValidateResult,
): Promise<Pick<Measured<Answer>, 'output' | 'bytesRead' | 'bytesWritten' | 'note'>> {
  const output = { publishedMs: ms, manifestPath: manifestPathOf(ms), bytes: await bytesBelow(ms), validation };
  return {
    output,
    bytesRead: null,
    bytesWritten: null,
    note: `filed as ${validation.classification.kind}: ${validation.classification.reason}`,
  };
}

/** The converted set, or the copy of it that a crashed attempt published without its manifest. */
async function setToCheck(converted: string, unfinished: string | undefined): Promise<string | undefined> {
  if (!(await exists(converted))) return unfinished;
  if (unfinished === undefined || (await hashFolder(unfinished)) !== (await hashFolder(converted))) return converted;
  return unfinished;
}

const setIsGone = (path: string): StepError =>
  new StepError({
    type: 'BadInput',
    code: SET_GONE,
    message: `${path} is gone and no published set has its content`,
    remedy: 'resume from concat: the raw files are converted again',
    sideEffects: 'none',
  });
