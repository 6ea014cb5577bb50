/**
 * Writes small, real UVH5 files with h5wasm for tests of admission: the correlator's layout with few antennas and channels.
 * Every part can be changed, so that each fault of a header can be made.
 */
import { File, ready } from 'h5wasm/node';
import { unixMsFromSecondText, unixMsToJd } from '../../src/domain/utc.ts';
import { subbandFrequenciesHz } from '../../src/ingest/frequency-checks.ts';

export const INTEGRATION_S = 12.884902000427246;
export const STEP_DAYS = 320_256 / 2 ** 31;
const SITE = { latitude: 37.2334051, longitude: -118.283, altitude: 1188.0519 };

export interface TinyFile {
  subband: number;
  /** Middle of the first integration. */
  t0Jd: number;
  decRad: number;
  integrations: number;
  antennas: number;
  channels: number;
  /** Told apart from another recording of the same header. */
  level: number;
  history: string;
  /** Replaces, adds or (null) drops datasets below Header; keys may contain `extra_keywords/`. */
  header: Readonly<Record<string, HeaderValue | null>>;
  drop: readonly string[];
  /** Rows that visdata claims to have; null: those it has. */
  visdataRows: number | null;
}

export type HeaderValue = { data: Float64Array | BigInt64Array | string | string[]; shape?: number[]; dtype?: string };

export const t0JdOf = (text: string): number => {
  const unixMs = unixMsFromSecondText(text);
  if (unixMs === null) throw new RangeError(text);
  return unixMsToJd(unixMs + (INTEGRATION_S * 1000) / 2);
};

export const nameOf = (timeText: string, subband: number): string => `${timeText}_sb${String(subband).padStart(2, '0')}.hdf5`;

export async function writeTinyFile(path: string, changes: Partial<TinyFile> & Pick<TinyFile, 'subband' | 't0Jd'>): Promise<void> {
  const tiny: TinyFile = {
    decRad: 0.65,
    integrations: 3,
    antennas: 3,
    channels: 6,
    level: 1,
    history: 'written by a test',
    header: {},
    drop: [],
    visdataRows: null,
    ...changes,
  };
  await ready;
  const file = new File(path, 'w', { libver: ['earliest', 'v110'] });
  try {
    file.create_group('Header');
    file.create_group('Header/extra_keywords');
    file.create_group('Data');
    for (const [name, value] of Object.entries({ ...headerOf(tiny), ...tiny.header })) {
      if (value === null || tiny.drop.includes(`Header/${name}`)) continue;
      const { data, shape, dtype } = value;
      file.create_dataset({ name: `Header/${name}`, data, ...(shape && { shape }), ...(dtype !== undefined && { dtype }) });
    }
    writeData(file, tiny);
  } finally {
    file.close();
  }
}

function pairsOf(tiny: TinyFile): [number, number][] {
  const pairs: [number, number][] = [];
  for (let i = 0; i < tiny.antennas; i += 1) for (let j = 0; j <= i; j += 1) pairs.push([j, i]);
  return pairs;
}

const scalar = (value: number): HeaderValue => ({ data: Float64Array.of(value), shape: [] });
const whole = (value: number): HeaderValue => ({ data: BigInt64Array.of(BigInt(value)), shape: [] });
const wholes = (values: readonly number[]): HeaderValue => ({ data: BigInt64Array.from(values, BigInt) });
const text = (value: string): HeaderValue => ({ data: value, shape: [], dtype: `S${value.length}` });

function headerOf(tiny: TinyFile): Record<string, HeaderValue> {
  const pairs = pairsOf(tiny);
  const rows = tiny.integrations * pairs.length;
  const perRow = (of: (time: number, baseline: number) => number): Float64Array =>
    Float64Array.from({ length: rows }, (_, row) => of(Math.floor(row / pairs.length), row % pairs.length));
  const stations = tiny.antennas + 1;
  const freqHz = subbandFrequenciesHz(tiny.subband, tiny.channels);
  return {
    latitude: scalar(SITE.latitude),
    longitude: scalar(SITE.longitude),
    altitude: scalar(SITE.altitude),
    telescope_name: text('OVRO_MMA'),
    phase_type: text('drift'),
    history: text(tiny.history),
    Nants_data: whole(tiny.antennas),
    Nants_telescope: whole(stations),
    Nbls: whole(pairs.length),
    Ntimes: whole(tiny.integrations),
    Nblts: whole(rows),
    Nfreqs: whole(tiny.channels),
    Npols: whole(2),
    Nspws: whole(1),
    antenna_names: { data: Array.from({ length: stations }, (_, i) => String(i + 1)), dtype: 'S4' },
    antenna_numbers: wholes(Array.from({ length: stations }, (_, i) => i)),
    antenna_positions: { data: Float64Array.from({ length: stations * 3 }, (_, i) => 10 * i), shape: [stations, 3] },
    freq_array: { data: Float64Array.from(freqHz), shape: [1, tiny.channels] },
    channel_width: scalar((250e6 / 8192) * (384 / tiny.channels)),
    polarization_array: wholes([-5, -6]),
    phase_center_app_dec: scalar(tiny.decRad),
    'extra_keywords/phase_center_dec': scalar(tiny.decRad),
    'extra_keywords/ha_phase_center': scalar(0),
    'extra_keywords/phase_center_epoch': text('HADEC'),
    time_array: { data: perRow((time) => tiny.t0Jd + time * STEP_DAYS) },
    integration_time: { data: perRow(() => INTEGRATION_S) },
    ant_1_array: wholes([...perRow((_, baseline) => pairs[baseline]?.[0] ?? 0)]),
    ant_2_array: wholes([...perRow((_, baseline) => pairs[baseline]?.[1] ?? 0)]),
  };
}

const COMPLEX = {
  compound_type: {
    nmembers: 2,
    members: ['r', 'i'].map((name, index) => ({
      name,
      type: 1,
      size: 4,
      offset: 4 * index,
      signed: false,
      vlen: false,
      littleEndian: true,
      shape: [],
      maxshape: [],
      chunks: null,
      total_size: 1,
    })),
  },
};

function writeData(file: File, tiny: TinyFile): void {
  const rows = tiny.integrations * pairsOf(tiny).length;
  const shape = [rows, 1, tiny.channels, 2];
  const samples = rows * tiny.channels * 2;
  const part = new Float32Array(samples).fill(tiny.level);
  if (!tiny.drop.includes('Data/visdata')) {
    const parts = new Map([
      ['r', part],
      ['i', part],
    ]);
    const growing = { maxshape: [null, 1, tiny.channels, 2], chunks: [rows, 1, tiny.channels, 1] };
    const dataset = file.create_dataset({ name: 'Data/visdata', data: parts, shape, dtype: COMPLEX, ...growing });
    if (tiny.visdataRows !== null) dataset.resize([tiny.visdataRows, 1, tiny.channels, 2]);
  }
  for (const [name, data] of [
    ['Data/flags', new Int8Array(samples)],
    ['Data/nsamples', new Float32Array(samples).fill(96)],
  ] as const) {
    if (!tiny.drop.includes(name)) file.create_dataset({ name, data, shape });
  }
}
