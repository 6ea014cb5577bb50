/**
 * The sky that science programs are told: the monitored sources, and those of one imported survey that nobody monitors. Without the
 * survey a bright source that is not monitored is in no model: it is cleaned instead of subtracted, and found as if it were new.
 */
import { z } from 'zod';
import { StepError } from '../domain/failure.ts';
import { type CatalogueImportRow, currentImport } from './catalogue-import.ts';
import { type Cone, distanceFromDeg, type NearSource, sourcesNear } from './sources.ts';
import { type CatalogDatabase, rowsOf } from './statement.ts';

/** A source without an id is not monitored: nothing that is measured at it is kept. */
export type KnownSource = Omit<NearSource, 'sourceId'> & { sourceId: number | null };

/** As imaging/known_sources.py: nearer than this two entries are one source. */
const SAME_SOURCE_DEG = 30 / 3600;

export function knownSky(database: CatalogDatabase, cone: Cone, survey: string | undefined): KnownSource[] {
  const monitored = sourcesNear(database, cone);
  if (survey === undefined) return monitored;
  const others = surveySourcesNear(database, cone, survey);
  const unclaimed = new Set(others);
  const filled = monitored.map((source) => {
    const distance = distanceFromDeg(source);
    const same = others.filter((other) => distance(other) < SAME_SOURCE_DEG);
    for (const other of same) unclaimed.delete(other);
    return source.fluxJy === null ? { ...source, ...fluxOf(same) } : source;
  });
  return [...filled, ...unclaimed].sort((one, other) => one.separationDeg - other.separationDeg);
}

/** Parts of a double that a survey resolves are one source here: their sum, with the spectrum of the brightest. */
function fluxOf(parts: readonly KnownSource[]): Pick<KnownSource, 'fluxJy' | 'spectralIndex'> {
  const [brightest] = parts.toSorted((one, other) => (other.fluxJy ?? 0) - (one.fluxJy ?? 0));
  if (brightest === undefined) return { fluxJy: null, spectralIndex: null };
  return { fluxJy: parts.reduce((sum, part) => sum + (part.fluxJy ?? 0), 0), spectralIndex: brightest.spectralIndex };
}

const surveyRow = z.object({
  name: z.string(),
  ra_deg: z.number(),
  dec_deg: z.number(),
  flux_jy: z.number(),
  spectral_index: z.number().nullable(),
});

export type SurveySource = z.infer<typeof surveyRow>;

/** Those with a flux; a source whose brightness nobody knows is in no model. */
function surveySourcesNear(database: CatalogDatabase, cone: Cone, survey: string): KnownSource[] {
  const distance = distanceFromDeg(cone);
  return rowsOf(
    database,
    surveyRow,
    // The index alone says who is near: a whole strip of NVSS has 100,000 rows, a field 3,000.
    `SELECT name, ra_deg, dec_deg, flux_jy, spectral_index FROM catalogue_sources
     WHERE import_id = :importId AND flux_jy IS NOT NULL AND row IN (
       SELECT row FROM catalogue_sources
       WHERE import_id = :importId AND dec_deg BETWEEN :decDeg - :radiusDeg AND :decDeg + :radiusDeg
         AND min(abs(ra_deg - :raDeg), 360 - abs(ra_deg - :raDeg)) <= :raReachDeg)`,
    { ...cone, raReachDeg: raReachDeg(cone), importId: currentSurvey(database, survey).id },
  )
    .map((row) => ({
      sourceId: null,
      name: row.name,
      raDeg: row.ra_deg,
      decDeg: row.dec_deg,
      fluxJy: row.flux_jy,
      spectralIndex: row.spectral_index,
      separationDeg: distance({ raDeg: row.ra_deg, decDeg: row.dec_deg }),
    }))
    .filter((source) => source.separationDeg <= cone.radiusDeg);
}

/** What of a survey may be monitored: between two declinations, at least so bright; brightest first. */
export const surveySourcesOfStrip = (
  database: CatalogDatabase,
  survey: string,
  strip: { decDeg: number; withinDeg: number; aboveJy: number },
): SurveySource[] =>
  rowsOf(
    database,
    surveyRow,
    `SELECT name, ra_deg, dec_deg, flux_jy, spectral_index FROM catalogue_sources
     WHERE import_id = :importId AND dec_deg BETWEEN :decDeg - :withinDeg AND :decDeg + :withinDeg AND flux_jy >= :aboveJy
     ORDER BY flux_jy DESC, name`,
    { ...strip, importId: currentSurvey(database, survey).id },
  );

/** The version that counts. A survey that was asked for and is not there ends the step: a model without it would look whole. */
export function currentSurvey(database: CatalogDatabase, survey: string): CatalogueImportRow {
  const current = currentImport(database, survey);
  if (current === null) throw noSuchSurvey(survey);
  return current;
}

export const noSuchSurvey = (survey: string): StepError =>
  new StepError({
    type: 'BadInput',
    code: 'NoSuchSurvey',
    message: `the catalogue ${survey} was not imported`,
    remedy: `contimg catalog import ${survey} FILE; \`contimg catalog list\` shows what is there, sky.survey names what models of the sky take`,
    sideEffects: 'none',
  });

/** How far in right ascension a cone reaches: all around where it holds a pole. */
function raReachDeg({ decDeg, radiusDeg }: Cone): number {
  const radians = Math.PI / 180;
  const sine = Math.sin(Math.min(radiusDeg, 90) * radians) / Math.cos(decDeg * radians);
  return sine >= 1 || Math.abs(decDeg) + radiusDeg >= 90 ? 180 : Math.asin(sine) / radians;
}
