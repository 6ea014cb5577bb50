/**
 * The steps whose work is one science program and nothing else: which inputs it is given, where its outputs go. Steps that
 * also publish have files of their own.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { calibrateParametersSchema } from '../src/domain/step-parameters.ts';
import { calibrateResultSchema, concatResultSchema, flagResultSchema } from '../src/domain/science-result.ts';
import type { HostScienceActivities, MeasurementSetPlace } from './contract.ts';
import type { HostDependencies } from './dependencies.ts';
import { writeCalibrators } from './imported-calibrators.ts';
import { exists } from './publish.ts';
import { runScienceStep } from './science-step.ts';
import { writePositions } from './source-positions.ts';
import type { Supervised } from './supervised.ts';

type Step<Name extends keyof HostScienceActivities> = Supervised<
  Parameters<HostScienceActivities[Name]>[0],
  Awaited<ReturnType<HostScienceActivities[Name]>>
>;

export const concat =
  (dependencies: HostDependencies): Step<'concat'> =>
  async ({ attempt, requestedAt, parameters, members, expectedSubbands, key }, watch) => {
    for (const member of members) await stat(member.path);
    const calibrators = await writeCalibrators(dependencies, attempt, (key.decRad * 180) / Math.PI);
    const measured = await runScienceStep(
      dependencies,
      {
        program: 'concat',
        attempt,
        requestedAt,
        inputs: { members, expectedSubbands, t0Jd: key.t0Jd, decRad: key.decRad, calibrators },
        parameters,
        outputs: (workDir) => ({ ms: join(workDir, `${attempt.groupId}.ms`) }),
        resultSchema: concatResultSchema,
      },
      watch,
    );
    return { ...measured, output: { result: measured.output } };
  };

export const flag =
  (dependencies: HostDependencies): Step<'flag'> =>
  async ({ attempt, requestedAt, parameters, place }, watch) => {
    const ms = await workingCopy(place);
    const measured = await runScienceStep(
      dependencies,
      {
        program: 'flag',
        attempt,
        requestedAt,
        inputs: { ms, publishedMs: ms === place.publishedMs ? null : place.publishedMs },
        parameters,
        outputs: (workDir) => ({ statistics: join(workDir, 'flag-statistics.json') }),
        resultSchema: flagResultSchema,
      },
      watch,
    );
    return { ...measured, output: { result: measured.output } };
  };

export const calibrate =
  (dependencies: HostDependencies): Step<'calibrate'> =>
  async ({ attempt, requestedAt, parameters, place, centre, choice }, watch) => {
    const positions = await writePositions(dependencies, attempt, centre);
    const measured = await runScienceStep(
      dependencies,
      {
        program: 'calibrate',
        attempt,
        requestedAt,
        inputs: {
          ms: await workingCopy(place),
          sets: choice.sets.map(({ id, midMjd, tables }) => ({ id: String(id), midMjd, tables })),
          positions,
        },
        parameters: calibrateParametersSchema.strip().parse(parameters),
        outputs: (workDir) => ({ ms: join(workDir, `${attempt.groupId}.calibrated.ms`) }),
        resultSchema: calibrateResultSchema,
      },
      watch,
    );
    return { ...measured, output: { result: measured.output } };
  };

/** The copy in memory while it is there, the published set otherwise. */
export const workingCopy = async ({ tmpfsMs, publishedMs }: MeasurementSetPlace): Promise<string> =>
  tmpfsMs !== null && (await exists(tmpfsMs)) ? tmpfsMs : publishedMs;
