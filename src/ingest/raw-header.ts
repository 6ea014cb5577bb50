/**
 * The header of one UVH5 file as it was read, before anything is judged: numbers as arrays, absent things as null.
 * Names and units follow the datasets; docs of the layout: docs/reference/raw-files.md.
 */
export interface RawHeader {
  visdata: DatasetShape;
  flags: DatasetShape;
  nsamples: DatasetShape;
  /** Julian date UTC of the middle of each integration, one a row. */
  timeJd: Float64Array;
  integrationS: Float64Array;
  ant1: Float64Array;
  ant2: Float64Array;
  antennaNumbers: Float64Array;
  antennaNames: string[];
  /** ECEF minus site, metres, (antennas × 3) row by row. */
  antennaPositionsM: Float64Array;
  antennaPositionsShape: number[];
  freqHz: Float64Array;
  freqShape: number[];
  channelWidthHz: Float64Array;
  products: Float64Array;
  latitudeDeg: number;
  longitudeDeg: number;
  altitudeM: number;
  /** Apparent declination at its three possible places, in order of preference. */
  decKeywordRad: number | null;
  decAppRad: number | null;
  decHeaderRad: number | null;
  haPhaseCentreRad: number | null;
  phaseCentreEpoch: string | null;
  phaseType: string | null;
  /** `cat_type` of each entry of a phase centre catalogue; null without one. */
  catalogueTypes: string[] | null;
  history: string;
  counts: Readonly<Record<HeaderCount, number | null>>;
}

export interface DatasetShape {
  name: string;
  shape: number[];
}

export const HEADER_COUNTS = ['Nants_data', 'Nants_telescope', 'Nbls', 'Ntimes', 'Nblts', 'Nfreqs', 'Npols', 'Nspws'] as const;
export type HeaderCount = (typeof HEADER_COUNTS)[number];

export const bytesOf = (numbers: Float64Array): Buffer => Buffer.from(numbers.buffer, numbers.byteOffset, numbers.byteLength);
