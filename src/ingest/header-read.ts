/**
 * Reads the header of one file with h5wasm into a RawHeader. Runs in the header worker only.
 * Refuses a dataset by its declared shape before it reads a byte of it, so that a header that asks for terabytes costs
 * nothing; never reads visibilities; opens the file read-only.
 */
import { Dataset, type File } from 'h5wasm/node';
import { HEADER_COUNTS, type DatasetShape, type HeaderCount, type RawHeader } from './raw-header.ts';
import { HeaderRefused, refuse } from './rejection.ts';
import { sizeText } from './superblock.ts';

/** 72 times a full file's largest header column. */
const LARGEST_HEADER_DATASET_BYTES = 64e6;

const SAMPLES = ['Data/visdata', 'Data/flags', 'Data/nsamples'] as const;
const [VISIBILITIES, FLAGS, COUNTS] = SAMPLES;

/** HDF5 type classes: H5T_INTEGER, H5T_FLOAT, H5T_STRING, H5T_COMPOUND, H5T_ENUM. */
const CLASS = { integer: 0, float: 1, string: 3, compound: 6, enum: 8 } as const;

/** `samples`: the datasets that hold them, opened and not read. */
export function readHeader(file: File, fileBytes: number): { header: RawHeader; samples: Dataset[] } {
  const read = new HeaderReading(file, fileBytes);
  return { header: headerOf(read), samples: SAMPLES.map((path) => read.required(path)) };
}

function headerOf(read: HeaderReading): RawHeader {
  const extra = 'Header/extra_keywords';
  return {
    visdata: read.pairs(VISIBILITIES),
    flags: read.shapeOf(FLAGS, [CLASS.enum, CLASS.integer]),
    nsamples: read.shapeOf(COUNTS, [CLASS.float, CLASS.integer]),
    timeJd: read.numbers('Header/time_array'),
    integrationS: read.numbers('Header/integration_time'),
    ant1: read.numbers('Header/ant_1_array'),
    ant2: read.numbers('Header/ant_2_array'),
    antennaNumbers: read.numbers('Header/antenna_numbers'),
    antennaNames: read.texts('Header/antenna_names'),
    antennaPositionsM: read.numbers('Header/antenna_positions'),
    antennaPositionsShape: read.required('Header/antenna_positions').shape ?? [],
    freqHz: read.numbers('Header/freq_array'),
    freqShape: read.required('Header/freq_array').shape ?? [],
    channelWidthHz: read.numbers('Header/channel_width'),
    products: read.numbers('Header/polarization_array'),
    latitudeDeg: read.one('Header/latitude'),
    longitudeDeg: read.one('Header/longitude'),
    altitudeM: read.one('Header/altitude'),
    decKeywordRad: read.oneOrNull(`${extra}/phase_center_dec`),
    decAppRad: read.oneOrNull('Header/phase_center_app_dec'),
    decHeaderRad: read.rarely('Header/phase_center_dec'),
    haPhaseCentreRad: read.oneOrNull(`${extra}/ha_phase_center`) ?? read.oneOrNull('Header/ha_phase_center'),
    phaseCentreEpoch: read.textOrNull(`${extra}/phase_center_epoch`) ?? read.textOrNull('Header/phase_center_epoch'),
    phaseType: read.textOrNull('Header/phase_type'),
    catalogueTypes: read.catalogueTypes('Header/phase_center_catalog'),
    history: read.textOrNull('Header/history') ?? '',
    counts: read.counts(),
  };
}

class HeaderReading {
  private readonly file: File;
  private readonly fileBytes: number;
  /** Looked up and checked once each: every question to the library opens the object anew. */
  private readonly datasets = new Map<string, Dataset | null>();
  constructor(file: File, fileBytes: number) {
    this.file = file;
    this.fileBytes = fileBytes;
  }

  /** The dataset at `path`, which claims no more bytes than it can have. */
  private find(path: string): Dataset | null {
    const known = this.datasets.get(path);
    if (known !== undefined) return known;
    const dataset = this.open(path);
    this.datasets.set(path, dataset);
    return dataset;
  }

  /** Almost every path is a dataset, so that is tried first: asking what it is costs a sixth of all the time. */
  private open(path: string): Dataset | null {
    const dataset = new Dataset(this.file.file_id, path);
    try {
      this.checkClaim(path, dataset);
      return dataset;
    } catch (error) {
      if (error instanceof HeaderRefused) throw error;
      const entity = this.file.get(path);
      if (entity instanceof Dataset) throw error;
      return entity === null ? null : refuse('BadType', `${path} is a ${entity.constructor.name}, not a dataset`);
    }
  }

  required(path: string): Dataset {
    return this.find(path) ?? refuse('MissingDataset', `${path} is absent`);
  }

  private checkClaim(path: string, dataset: Dataset): void {
    const { shape, size, littleEndian, type } = dataset.metadata;
    if (shape === null) refuse('BadShape', `${path} has no dataspace`);
    if (!littleEndian && type !== CLASS.string) refuse('BadType', `${path} is big-endian`);
    const claimed = shape.reduce((product, length) => product * length, size);
    const largest = path.startsWith('Header/') ? LARGEST_HEADER_DATASET_BYTES : Number.POSITIVE_INFINITY;
    const isTooLarge = claimed > largest || (claimed > this.fileBytes && dataset.filters.length === 0);
    if (isTooLarge) refuse('HeaderTooLarge', `${path} claims ${sizeText(claimed)} in a file of ${sizeText(this.fileBytes)}`);
  }

  shapeOf(path: string, classes: readonly number[]): DatasetShape {
    const dataset = this.required(path);
    if (!classes.includes(dataset.metadata.type)) refuse('BadType', `${path} has HDF5 type class ${dataset.metadata.type}`);
    return { name: path, shape: dataset.shape ?? [] };
  }

  /** A dataset of complex samples: a compound of two equal numbers of 4 or 8 bytes. */
  pairs(path: string): DatasetShape {
    const shape = this.shapeOf(path, [CLASS.compound]);
    const members = this.required(path).metadata.compound_type?.members ?? [];
    const kinds = members.map(
      ({ type, size }) => `${type === CLASS.float ? 'float' : type === CLASS.integer ? 'int' : 'other'}${size * 8}`,
    );
    const kind = kinds[0] ?? '';
    if (kinds.length !== 2 || kinds[1] !== kind || !['float32', 'float64', 'int32'].includes(kind)) {
      refuse('BadType', `${path} holds {${kinds.join(', ')}}, not two float32, float64 or int32`);
    }
    return shape;
  }

  numbers(path: string): Float64Array {
    const dataset = this.required(path);
    const { type } = dataset.metadata;
    if (type !== CLASS.integer && type !== CLASS.float) refuse('BadType', `${path} has HDF5 type class ${type}, not numbers`);
    return toNumbers(path, dataset.value);
  }

  one(path: string): number {
    const values = this.numbers(path);
    const first = values[0];
    if (first === undefined || values.some((value) => value !== first && !Number.isNaN(value))) {
      refuse('BadShape', `${path} has ${values.length} values that are not one`);
    }
    return first;
  }

  oneOrNull(path: string): number | null {
    return this.find(path) === null ? null : this.one(path);
  }

  /** Of a dataset that most files lack: there the question what it is costs less than the library's answer to an open. */
  rarely(path: string): number | null {
    return this.file.get(path) === null ? null : this.one(path);
  }

  texts(path: string): string[] {
    const dataset = this.required(path);
    if (dataset.metadata.type !== CLASS.string) refuse('BadType', `${path} has HDF5 type class ${dataset.metadata.type}, not text`);
    const { value } = dataset;
    return (Array.isArray(value) ? value : [value]).map((item) => {
      if (typeof item !== 'string') return refuse('BadType', `${path} holds something that is not text`);
      return item.replace(/\0+$/, '').trim();
    });
  }

  textOrNull(path: string): string | null {
    return this.find(path) === null ? null : (this.texts(path)[0] ?? null);
  }

  catalogueTypes(path: string): string[] | null {
    const catalogue = this.file.get(path);
    if (catalogue === null) return null;
    if (!('keys' in catalogue)) return ['unreadable'];
    return catalogue.keys().map((entry) => this.textOrNull(`${path}/${entry}/cat_type`) ?? 'unnamed');
  }

  counts(): Record<HeaderCount, number | null> {
    const [nAntsData, nAntsTelescope, nBls, nTimes, nBlts, nFreqs, nPols, nSpws] = HEADER_COUNTS.map((name) =>
      this.oneOrNull(`Header/${name}`),
    );
    return {
      Nants_data: nAntsData ?? null,
      Nants_telescope: nAntsTelescope ?? null,
      Nbls: nBls ?? null,
      Ntimes: nTimes ?? null,
      Nblts: nBlts ?? null,
      Nfreqs: nFreqs ?? null,
      Npols: nPols ?? null,
      Nspws: nSpws ?? null,
    };
  }
}

function toNumbers(path: string, value: unknown): Float64Array {
  if (typeof value === 'number' || typeof value === 'bigint') return Float64Array.of(Number(value));
  if (value instanceof Float64Array) return value;
  if (value instanceof BigInt64Array) return fromHalves(new Int32Array(value.buffer, value.byteOffset, 2 * value.length));
  if (value instanceof BigUint64Array) return fromHalves(new Uint32Array(value.buffer, value.byteOffset, 2 * value.length));
  if (isNumberArray(value)) return Float64Array.from(value);
  return refuse('BadType', `${path} cannot be read as numbers`);
}

/**
 * Integers of 64 bits by their 32-bit halves, low one first: a conversion through BigInt takes a hundred times longer.
 * Exact up to 2^53, and every count, index and code of a header is far below.
 */
function fromHalves(halves: Int32Array | Uint32Array): Float64Array {
  const numbers = new Float64Array(halves.length / 2);
  for (let k = 0; k < numbers.length; k += 1) {
    const low = halves[2 * k] ?? 0;
    numbers[k] = (halves[2 * k + 1] ?? 0) * 2 ** 32 + (low >>> 0);
  }
  return numbers;
}

/** Any typed array but the two of bigints. */
const isNumberArray = (value: unknown): value is Float32Array | Int32Array =>
  ArrayBuffer.isView(value) && !(value instanceof DataView) && !(value instanceof BigInt64Array) && !(value instanceof BigUint64Array);
