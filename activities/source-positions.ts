/**
 * The CSV of known sources near a place that science programs take: one line a source, nearest first, empty where unknown. One
 * without a source_id is not monitored.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { asking } from '../src/catalog/database.ts';
import { currentSurvey, type KnownSource, knownSky } from '../src/catalog/known-sky.ts';
import type { Cone, Place } from '../src/catalog/sources.ts';
import { csvText } from '../src/domain/csv.ts';
import { type AttemptPlace, attemptScratch } from '../src/runner/scratch.ts';
import type { HostDependencies } from './dependencies.ts';

const COLUMNS = {
  source_id: (source: KnownSource) => source.sourceId,
  name: (source: KnownSource) => source.name,
  ra_deg: (source: KnownSource) => source.raDeg,
  dec_deg: (source: KnownSource) => source.decDeg,
  flux_jy: (source: KnownSource) => source.fluxJy,
  spectral_index: (source: KnownSource) => source.spectralIndex,
};

/** Farther out the beam's side lobes show less than a hundredth of a source. */
const BEAM_RADIUS_DEG = 4;

/** All sources that a beam at this place can show, in a file of the attempt's folder. */
export async function writePositions(dependencies: HostDependencies, attempt: AttemptPlace, centre: Place): Promise<string> {
  const workDir = attemptScratch(dependencies.settings.paths.scratch, attempt);
  const path = join(workDir, 'positions.csv');
  await mkdir(workDir, { recursive: true });
  await writeFile(path, sourcePositionsCsv(dependencies, { raDeg: centre.raDeg, decDeg: centre.decDeg, radiusDeg: BEAM_RADIUS_DEG }));
  return path;
}

type Sky = Pick<HostDependencies, 'openCatalog' | 'settings'>;

export const sourcePositionsCsv = (dependencies: Sky, cone: Cone): string =>
  asking(dependencies.openCatalog, (database) => csvText(COLUMNS, knownSky(database, cone, dependencies.settings.sky.survey)));

/** What of the sky a product was made with, as its software names it: `{ 'survey nvss': 'version 2' }`. */
export function surveyVersion(dependencies: Sky): Record<string, string> {
  const { survey } = dependencies.settings.sky;
  if (survey === undefined) return {};
  return { [`survey ${survey}`]: `version ${asking(dependencies.openCatalog, (database) => currentSurvey(database, survey)).version}` };
}
