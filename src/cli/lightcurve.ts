/**
 * `contimg lightcurve`: what was measured of one source, drawn in the terminal or written for other programs. Reads the
 * product database only, so it works while the pipeline is down.
 */
import { Command, Option } from 'commander';
import type { CatalogDatabase } from '../catalog/database.ts';
import { lightCurveOf } from '../catalog/light-curve.ts';
import { type MonitoredSource, listSources, monitoredSource } from '../catalog/source-variability.ts';
import { sourceByName, sourcesNear } from '../catalog/sources.ts';
import { type LightCurvePoint, lightCurveCsv, lightCurveVotable, onCommonScale } from '../domain/light-curve-file.ts';
import { EXIT } from './exit-codes.ts';
import { withDatabase } from './group-views.ts';
import { lightCurvePlot } from './light-curve-plot.ts';
import { addLocalOptions, localSettings, wantsJson } from './local-options.ts';
import { createOutput } from './output.ts';
import { CommandError, usageError } from './problem.ts';
import { numberOf } from './number-option.ts';

const TERMINAL_COLUMNS = 80;
const NAMES_OFFERED = 5;

export function lightCurveCommand(): Command {
  const command = new Command('lightcurve')
    .description('the light curve of one source')
    .argument('[source]', 'name of the source; or give --ra and --dec')
    .option('--ra <deg>', 'right ascension, ICRS')
    .option('--dec <deg>', 'declination, ICRS')
    .option('--radius <arcsec>', 'how far from that place a source may be', '30')
    .addOption(new Option('--format <format>', 'how to write it').choices(['plot', 'csv', 'votable']).default('plot'))
    .option('--raw', 'draw the fluxes as measured, not on the flux scale that the images share', false)
    .option('--superseded', 'points that a newer measurement replaced, too', false)
    .addHelpText(
      'after',
      '\nExample:\n  contimg lightcurve SIM-001\n  contimg lightcurve SIM-001 --raw\n  contimg lightcurve --ra 71.49 --dec 54.53 --format votable > curve.xml\n\nExit codes: 0 done, 9 database, 13 no such source, 64 usage',
    );
  return addLocalOptions(command).action((name: string | undefined) => {
    const output = createOutput(wantsJson(command));
    const options = command.opts();
    withDatabase(localSettings(command).paths.database, (database) => {
      const source = name === undefined ? sourceAt(database, options) : sourceNamed(database, name);
      const points = lightCurveOf(database, source.id, { includeSuperseded: options['superseded'] === true });
      if (options['format'] === 'csv') process.stdout.write(lightCurveCsv(points));
      else if (options['format'] === 'votable') process.stdout.write(lightCurveVotable(source, points));
      else output.result({ source, points }, lines(source, points, options['raw'] === true));
    });
  });
}

function lines(source: MonitoredSource, points: readonly LightCurvePoint[], raw: boolean): string[] {
  const place = `${source.name}  RA ${source.ra_deg.toFixed(5)}°  Dec ${source.dec_deg.toFixed(5)}°`;
  if (points.length === 0) return [place, 'no measurement yet: the next group that holds this place gives the first point'];
  const limits = points.filter((point) => point.upper_limit).length;
  const degraded = points.filter((point) => point.degraded).length;
  return [
    place,
    `${points.length} points, ${limits} of them upper limits (v), ${degraded} degraded (.)`,
    verdict(source),
    ...(source.standing === 'unconfirmed' ? ['found by one image and seen by no other group: unconfirmed'] : []),
    scaleInWords(points, raw),
    '',
    ...lightCurvePlot(raw ? points : onCommonScale(points), process.stdout.columns ?? TERMINAL_COLUMNS),
  ];
}

function scaleInWords(points: readonly LightCurvePoint[], raw: boolean): string {
  if (raw) return 'drawn as measured';
  const scaled = points.filter((point) => point.normalised_flux_jy !== null).length;
  if (scaled === 0) return 'drawn as measured: no image had three reference sources for a common flux scale';
  return `drawn on the common flux scale, ${scaled} of ${points.length} points; the others as measured`;
}

function verdict(source: MonitoredSource): string {
  const { n, mean_flux_jy: mean, mean_error_jy: error, eta, v } = source;
  if (n === null || mean === null || error === null) return 'none of them counts for variability';
  const head = `mean ${mean.toPrecision(4)} ± ${error.toPrecision(2)} Jy over the ${n} that count`;
  if (eta === null || v === null) return `${head}; too few to say whether it varies`;
  const score = source.ese_score === null ? '' : `, ESE score ${source.ese_score.toFixed(1)} (${source.ese_shape})`;
  return `${head}; η ${eta.toFixed(2)}, V ${(100 * v).toFixed(1)} %${score}: ${source.is_variable === true ? 'VARIABLE' : 'steady'}`;
}

function sourceNamed(database: CatalogDatabase, name: string): MonitoredSource {
  const known = sourceByName(database, name);
  if (known !== null) return required(database, known.id);
  const near = listSources(database, { by: 'name', name, limit: NAMES_OFFERED, offset: 0 }).sources.map((source) => source.name);
  throw unknown(`no source is called ${name}`, near.length === 0 ? 'give its place: --ra and --dec' : `did you mean ${near.join(', ')}?`);
}

function sourceAt(database: CatalogDatabase, options: Record<string, unknown>): MonitoredSource {
  if (options['ra'] === undefined || options['dec'] === undefined)
    throw usageError('no source given', 'name it, or give its place with --ra and --dec');
  const raDeg = numberOf('--ra', options['ra'], 30);
  const decDeg = numberOf('--dec', options['dec'], 54);
  const radiusArcsec = numberOf('--radius', options['radius'], 30);
  const [nearest] = sourcesNear(database, { raDeg, decDeg, radiusDeg: radiusArcsec / 3600 });
  if (nearest === undefined) throw unknown(`no source within ${radiusArcsec}″ of RA ${raDeg}°, Dec ${decDeg}°`, 'try a larger --radius');
  return required(database, nearest.sourceId);
}

function required(database: CatalogDatabase, id: number): MonitoredSource {
  const source = monitoredSource(database, id);
  if (source === null) throw new Error(`source ${id} has no row`);
  return source;
}

const unknown = (detail: string, remedy: string): CommandError =>
  new CommandError(EXIT.notFound, { code: 'unknown_source', detail, remedy });
