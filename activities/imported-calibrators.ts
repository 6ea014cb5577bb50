/** The CSV of imported calibrators along a strip that conversion and solving take; one source a line, brightest first. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { asking } from '../src/catalog/database.ts';
import { calibratorsOfStrip, type ImportedCalibrator } from '../src/catalog/imported-calibrators.ts';
import { csvText } from '../src/domain/csv.ts';
import type { AttemptName } from '../src/domain/step-output.ts';
import { attemptScratch } from '../src/runner/scratch.ts';
import type { HostDependencies } from './dependencies.ts';

const COLUMNS = {
  name: (source: ImportedCalibrator) => source.name,
  ra_deg: (source: ImportedCalibrator) => source.ra_deg,
  dec_deg: (source: ImportedCalibrator) => source.dec_deg,
  flux_jy: (source: ImportedCalibrator) => source.flux_jy,
  spectral_index: (source: ImportedCalibrator) => source.spectral_index,
  catalogue: (source: ImportedCalibrator) => source.catalogue,
};

/** A calibrator must be seen above half power, 1.4° from the middle of the beam; the rest is for precession since J2000. */
const STRIP_DEG = 2;

export async function writeCalibrators(
  dependencies: Pick<HostDependencies, 'settings' | 'openCatalog'>,
  attempt: AttemptName,
  decDeg: number,
): Promise<string> {
  const workDir = attemptScratch(dependencies.settings.paths.scratch, attempt);
  const path = join(workDir, 'calibrators.csv');
  await mkdir(workDir, { recursive: true });
  await writeFile(path, calibratorsCsv(dependencies, decDeg));
  return path;
}

const calibratorsCsv = ({ openCatalog }: Pick<HostDependencies, 'openCatalog'>, decDeg: number): string =>
  asking(openCatalog, (database) => csvText(COLUMNS, calibratorsOfStrip(database, { decDeg, withinDeg: STRIP_DEG })));
