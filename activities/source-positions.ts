/** The CSV of catalogue sources near a place that science programs take: one line a source, nearest first, empty where unknown. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type NearSource, sourcesNear } from '../src/catalog/sources.ts';
import { type AttemptPlace, attemptScratch } from '../src/runner/scratch.ts';
import type { HostDependencies } from './dependencies.ts';

const COLUMNS = {
  source_id: (source: NearSource) => source.sourceId,
  name: (source: NearSource) => JSON.stringify(source.name),
  ra_deg: (source: NearSource) => source.raDeg,
  dec_deg: (source: NearSource) => source.decDeg,
  flux_jy: (source: NearSource) => source.fluxJy ?? '',
  spectral_index: (source: NearSource) => source.spectralIndex ?? '',
};

/** Farther out the beam's side lobes show less than a hundredth of a source. */
const BEAM_RADIUS_DEG = 4;

/** All sources that a beam at this place can show, in a file of the attempt's folder. */
export async function writePositions(
  dependencies: HostDependencies,
  attempt: AttemptPlace,
  centre: { raDeg: number; decDeg: number },
): Promise<string> {
  const workDir = attemptScratch(dependencies.settings.paths.scratch, attempt);
  const path = join(workDir, 'positions.csv');
  await mkdir(workDir, { recursive: true });
  await writeFile(path, sourcePositionsCsv(dependencies, { raDeg: centre.raDeg, decDeg: centre.decDeg, radiusDeg: BEAM_RADIUS_DEG }));
  return path;
}

export function sourcePositionsCsv(
  { openCatalog }: Pick<HostDependencies, 'openCatalog'>,
  cone: { raDeg: number; decDeg: number; radiusDeg: number },
): string {
  const database = openCatalog();
  try {
    const lines = sourcesNear(database, cone).map((source) =>
      Object.values(COLUMNS)
        .map((value) => value(source))
        .join(','),
    );
    return `${[Object.keys(COLUMNS).join(','), ...lines].join('\n')}\n`;
  } finally {
    database.close();
  }
}
