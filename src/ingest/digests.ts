/**
 * Names for the content of a file. `headerDigest` is equal for two copies of one file and differs for another file of the
 * same subband; `gridDigest` is equal for all files that can be members of one group.
 */
import { createHash, type Hash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { bytesOf, type RawHeader } from './raw-header.ts';
import { isConstant, type Rectangle } from './rectangle.ts';

/** Blocks of the file that go into its digest: a second recording with an identical header must not pass as a copy. */
const SAMPLED_BLOCKS = 16;
const BLOCK_BYTES = 4096;

/** SHA-256 of evenly spaced blocks of the file: the visibilities themselves are not read at admission. For a worker thread: it waits for the disk. */
export function fingerprintOf(path: string, fileBytes: number): string {
  const blocks = Buffer.alloc(SAMPLED_BLOCKS * BLOCK_BYTES);
  const last = Math.max(0, fileBytes - BLOCK_BYTES);
  const file = openSync(path, 'r');
  try {
    for (let k = 0; k < SAMPLED_BLOCKS; k += 1) {
      readSync(file, blocks, k * BLOCK_BYTES, BLOCK_BYTES, Math.floor((last * k) / (SAMPLED_BLOCKS - 1)));
    }
  } finally {
    closeSync(file);
  }
  return createHash('sha256').update(String(fileBytes)).update(blocks).digest('hex');
}

/** The rows are told by their rectangle; their order in the file shows in the data, and so in the fingerprint. */
export function headerDigestOf(header: RawHeader, { timesJd, baselines }: Rectangle, dataFingerprint: string): string {
  const { timeJd: _times, ant1: _ant1, ant2: _ant2, integrationS, ...others } = header;
  const lengths = isConstant(integrationS) ? integrationS.subarray(0, 1) : integrationS;
  const hash = createHash('sha256');
  for (const [key, value] of Object.entries({ ...others, timesJd, baselines, lengths })) addField(hash, key, value);
  return hash.update(dataFingerprint).digest('hex');
}

function addField(hash: Hash, key: string, value: unknown): void {
  hash.update(`\n${key}:`);
  hash.update(value instanceof Float64Array ? bytesOf(value) : JSON.stringify(value));
}

/** Lengths to 1 mm: what members of a group must agree on. */
const millimetres = (metres: number): number => Math.round(metres * 1000);
/** Degrees to 1e-8, about 1 mm on the ground. */
const tinyDegrees = (degrees: number): number => Math.round(degrees * 1e8);

export function gridDigestOf(header: RawHeader, { baselines }: Rectangle, integrationS: number): string {
  const shared = {
    integrationMs: Math.round(integrationS * 1000),
    products: [...header.products].sort((a, b) => a - b),
    channels: header.freqHz.length,
    site: [tinyDegrees(header.latitudeDeg), tinyDegrees(header.longitudeDeg), millimetres(header.altitudeM)],
    antennaNumbers: [...header.antennaNumbers],
    positionsMm: Array.from(header.antennaPositionsM, millimetres),
  };
  return createHash('sha256').update(JSON.stringify(shared)).update(bytesOf(baselines)).digest('hex');
}
