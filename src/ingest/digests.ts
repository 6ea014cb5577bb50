/**
 * Names for the content of a file. `headerDigest` is equal for two copies of one file and differs for another file of the
 * same subband; `gridDigest` is equal for all files that can be members of one group.
 */
import { createHash, type Hash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import type { RawHeader } from './raw-header.ts';

/** Blocks of the file that go into its digest: a second recording with an identical header must not pass as a copy. */
const SAMPLED_BLOCKS = 16;
const BLOCK_BYTES = 4096;

/** SHA-256 of evenly spaced blocks of the file: the visibilities themselves are not read at admission. */
export async function fingerprintOf(file: FileHandle, fileBytes: number): Promise<string> {
  const hash = createHash('sha256').update(String(fileBytes));
  const block = Buffer.alloc(BLOCK_BYTES);
  const last = Math.max(0, fileBytes - BLOCK_BYTES);
  for (let k = 0; k < SAMPLED_BLOCKS; k += 1) {
    const { bytesRead } = await file.read(block, 0, BLOCK_BYTES, Math.floor((last * k) / (SAMPLED_BLOCKS - 1)));
    hash.update(block.subarray(0, bytesRead));
  }
  return hash.digest('hex');
}

export function headerDigestOf(header: RawHeader, dataFingerprint: string): string {
  const hash = createHash('sha256');
  for (const [key, value] of Object.entries(header)) addField(hash, key, value);
  return hash.update(dataFingerprint).digest('hex');
}

function addField(hash: Hash, key: string, value: unknown): void {
  hash.update(`\n${key}:`);
  hash.update(value instanceof Float64Array ? bytesOf(value) : JSON.stringify(value));
}

const bytesOf = (numbers: Float64Array): Uint8Array => new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);

/** Lengths to 1 mm: what members of a group must agree on. */
const millimetres = (metres: number): number => Math.round(metres * 1000);
/** Degrees to 1e-8, about 1 mm on the ground. */
const tinyDegrees = (degrees: number): number => Math.round(degrees * 1e8);

export function gridDigestOf(header: RawHeader, baselines: Float64Array, integrationS: number): string {
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
