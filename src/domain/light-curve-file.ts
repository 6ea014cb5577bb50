/**
 * A light curve as a file for other programs: CSV, or a VOTable 1.4 that says its units, time scale and meanings.
 * Every point is written as it was recorded; upper limits and degraded points are marked, never left out.
 */
import { type CsvCell, csvText } from './csv.ts';

export interface LightCurvePoint {
  id: number;
  mjd: number;
  flux_jy: number;
  error_jy: number;
  /** On the flux scale that the images share; null where the image gave no scale. */
  normalised_flux_jy: number | null;
  normalised_error_jy: number | null;
  local_rms_jy: number;
  snr: number;
  kind: string;
  upper_limit: boolean;
  degraded: boolean;
  superseded: boolean;
  flags: readonly string[];
  image_product_id: number;
}

export interface LightCurveSource {
  id: number;
  name: string;
  ra_deg: number;
  dec_deg: number;
}

/** Points with the normalised flux in place of the measured one, where there is one. */
export const onCommonScale = (points: readonly LightCurvePoint[]): LightCurvePoint[] =>
  points.map((point) => ({
    ...point,
    flux_jy: point.normalised_flux_jy ?? point.flux_jy,
    error_jy: point.normalised_error_jy ?? point.error_jy,
  }));

interface Column {
  name: string;
  datatype: 'double' | 'int' | 'boolean' | 'char';
  unit?: string;
  /** Unified Content Descriptor of the IVOA: what the number means. */
  ucd?: string;
  says: string;
  of: (point: LightCurvePoint) => CsvCell;
}

const COLUMNS: readonly Column[] = [
  { name: 'mjd', datatype: 'double', unit: 'd', ucd: 'time.epoch', says: 'middle of the observation', of: (point) => point.mjd },
  {
    name: 'flux_jy',
    datatype: 'double',
    unit: 'Jy',
    ucd: 'phot.flux.density;em.radio.750-1500MHz',
    says: 'as measured, corrected for the primary beam',
    of: (point) => point.flux_jy,
  },
  {
    name: 'error_jy',
    datatype: 'double',
    unit: 'Jy',
    ucd: 'stat.error;phot.flux.density',
    says: 'one sigma, with the systematic part',
    of: (point) => point.error_jy,
  },
  {
    name: 'normalised_flux_jy',
    datatype: 'double',
    unit: 'Jy',
    ucd: 'phot.flux.density;em.radio.750-1500MHz',
    says: 'flux over the relative flux scale of its image; empty where the image gave none',
    of: (point) => point.normalised_flux_jy,
  },
  {
    name: 'normalised_error_jy',
    datatype: 'double',
    unit: 'Jy',
    ucd: 'stat.error;phot.flux.density',
    says: 'one sigma, with the error of that scale',
    of: (point) => point.normalised_error_jy,
  },
  {
    name: 'local_rms_jy',
    datatype: 'double',
    unit: 'Jy',
    ucd: 'stat.stdev;phot.flux.density',
    says: 'noise of the image at the source',
    of: (point) => point.local_rms_jy,
  },
  { name: 'snr', datatype: 'double', ucd: 'stat.snr', says: 'flux over noise', of: (point) => point.snr },
  {
    name: 'upper_limit',
    datatype: 'boolean',
    ucd: 'meta.code',
    says: 'not detected: the flux is what was measured at the place',
    of: (point) => point.upper_limit,
  },
  {
    name: 'degraded',
    datatype: 'boolean',
    ucd: 'meta.code.qual',
    says: 'made from incomplete or doubtful data',
    of: (point) => point.degraded,
  },
  {
    name: 'superseded',
    datatype: 'boolean',
    ucd: 'meta.code',
    says: 'a newer measurement of the same group took its place',
    of: (point) => point.superseded,
  },
  { name: 'kind', datatype: 'char', ucd: 'meta.code', says: 'forced at a known place, or found blind', of: (point) => point.kind },
  {
    name: 'flags',
    datatype: 'char',
    ucd: 'meta.code.qual',
    says: 'words of the measurement, separated by blanks',
    of: (point) => point.flags.join(' '),
  },
  { name: 'image_id', datatype: 'int', ucd: 'meta.id', says: 'product the point was measured on', of: (point) => point.image_product_id },
  {
    name: 'point_id',
    datatype: 'int',
    ucd: 'meta.id',
    says: 'the point itself: `contimg lineage point/N` says what made it',
    of: (point) => point.id,
  },
];

const textOf = (value: CsvCell): string => (value === null ? '' : String(value));

export const lightCurveCsv = (points: readonly LightCurvePoint[]): string =>
  csvText(Object.fromEntries(COLUMNS.map(({ name, of }) => [name, of])), points);

const XML_ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' };
const xml = (value: CsvCell): string => textOf(value).replace(/[&<>"']/g, (character) => XML_ENTITIES[character] ?? character);

const fieldOf = ({ name, datatype, unit, ucd, says }: Column): string => {
  const attributes = [
    `name="${name}" datatype="${datatype}"`,
    ...(datatype === 'char' ? ['arraysize="*"'] : []),
    ...(unit === undefined ? [] : [`unit="${unit}"`]),
    ...(ucd === undefined ? [] : [`ucd="${ucd}"`]),
    ...(name === 'mjd' ? ['ref="utc"'] : []),
  ];
  return `   <FIELD ${attributes.join(' ')}><DESCRIPTION>${xml(says)}</DESCRIPTION></FIELD>`;
};

export function lightCurveVotable(source: LightCurveSource, points: readonly LightCurvePoint[]): string {
  const rows = points.map((point) => `    <TR>${COLUMNS.map((column) => `<TD>${xml(column.of(point))}</TD>`).join('')}</TR>`);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">',
    ' <RESOURCE type="results">',
    '  <COOSYS ID="icrs" system="ICRS"/>',
    '  <TIMESYS ID="utc" timescale="UTC" refposition="TOPOCENTER" timeorigin="MJD-origin"/>',
    `  <TABLE name="light_curve">`,
    `   <DESCRIPTION>Light curve of ${xml(source.name)}</DESCRIPTION>`,
    `   <PARAM name="source" datatype="char" arraysize="*" ucd="meta.id;meta.main" value="${xml(source.name)}"/>`,
    `   <PARAM name="ra_deg" datatype="double" unit="deg" ucd="pos.eq.ra" ref="icrs" value="${source.ra_deg}"/>`,
    `   <PARAM name="dec_deg" datatype="double" unit="deg" ucd="pos.eq.dec" ref="icrs" value="${source.dec_deg}"/>`,
    ...COLUMNS.map(fieldOf),
    '   <DATA><TABLEDATA>',
    ...rows,
    '   </TABLEDATA></DATA>',
    '  </TABLE>',
    ' </RESOURCE>',
    '</VOTABLE>',
    '',
  ].join('\n');
}
