/** Step `solve`: CASA solutions on a calibrator transit, published as one folder of tables under `caltables/`. */
import { basename, join } from 'node:path';
import { asking } from '../src/catalog/database.ts';
import { goodSetNear, tablesOf } from '../src/catalog/calibration-sets.ts';
import { dateFolderOfGroup, groupIdSchema } from '../src/domain/group-id.ts';
import { type SolveResult, solveResultSchema } from '../src/domain/science-result.ts';
import type { Measured } from '../src/domain/step-output.ts';
import { bytesBelow } from '../src/runner/scratch.ts';
import type { HostScienceActivities } from './contract.ts';
import type { HostDependencies } from './dependencies.ts';
import { writeCalibrators } from './imported-calibrators.ts';
import { hashFolder, publishFolder } from './publish.ts';
import { runScienceStep } from './science-step.ts';
import { workingCopy } from './science-steps.ts';
import { surveyVersion, writePositions } from './source-positions.ts';
import type { Supervised } from './supervised.ts';

/** Gains of longer ago are no measure: receivers are repaired and levels set anew. */
const COMPARABLE_DAYS = 30;

type Order = Parameters<HostScienceActivities['solve']>[0];
type Answer = { result: SolveResult; contentHash: string; bytes: number; directory: string };

export const solve =
  (dependencies: HostDependencies): Supervised<Order, Measured<Answer>> =>
  async ({ attempt, requestedAt, parameters, place, centre, calibrator }, watch) => {
    const positions = await writePositions(dependencies, attempt, centre);
    const survey = surveyVersion(dependencies);
    const calibrators = await writeCalibrators(dependencies, attempt, centre.decDeg);
    const measured = await runScienceStep(
      dependencies,
      {
        program: 'solve',
        attempt,
        requestedAt,
        inputs: {
          ms: await workingCopy(place),
          calibrator,
          calibrators,
          positions,
          previous: lastGoodSet(dependencies, attempt.groupId, centre),
        },
        parameters,
        outputs: (workDir) => ({ directory: join(workDir, 'tables') }),
        resultSchema: solveResultSchema,
      },
      watch,
    );
    const made = measured.output.tables[0];
    if (made === undefined) throw new Error('solve answered without a table');
    const source = join(made.path, '..');
    const contentHash = await hashFolder(source);
    const groupId = groupIdSchema.parse(attempt.groupId);
    const { path: directory } = await publishFolder({
      source,
      folder: join(dependencies.settings.paths.output, 'caltables', dateFolderOfGroup(groupId)),
      name: `${groupId}-${calibrator}`,
      extension: '',
      contentHash,
      attempt,
    });
    const tables = measured.output.tables.map((table) => ({ ...table, path: join(directory, basename(table.path)) }));
    const note = (measured.output.warnings ?? []).join('; ') || null;
    const software = { ...measured.output.software, ...survey };
    return {
      ...measured,
      note,
      output: { result: { ...measured.output, tables, software }, contentHash, bytes: await bytesBelow(directory), directory },
    };
  };

/** What the scale of the new gains is compared with; null before the first good set of the strip. */
function lastGoodSet(
  { openCatalog, settings }: HostDependencies,
  groupId: string,
  centre: Order['centre'],
): { id: string; bandpass: string; gain: string } | null {
  return asking(openCatalog, (database) => {
    const { stripToleranceDeg } = settings.calibration;
    const set = goodSetNear(database, { groupId, midMjd: centre.midMjd, decDeg: centre.decDeg, stripToleranceDeg, days: COMPARABLE_DAYS });
    if (set === null) return null;
    const tables = new Map(tablesOf(database, set.id).map(({ type, path }) => [type, path]));
    const [bandpass, gain] = [tables.get('BP'), tables.get('GP')];
    if (bandpass === undefined || gain === undefined) return null;
    return { id: String(set.id), bandpass, gain };
  });
}
