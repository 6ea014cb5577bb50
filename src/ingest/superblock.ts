/**
 * The first look inside a file: is it HDF5, and is it as long as its own superblock says? One plain read of 64 bytes.
 * The HDF5 library is not asked: it ignores locks and opens half-written files.
 * Layout: HDF5 File Format Specification 3.0, section II.A, Disk Format Level 0A.
 */
import type { FileHandle } from 'node:fs/promises';
import { isoFromUnixMs } from '../domain/utc.ts';
import type { FileSignature } from '../domain/file-signature.ts';
import { rejection, type Rejection } from './rejection.ts';

const SIGNATURE = Buffer.from([0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]);
const SUPERBLOCK_BYTES = 64;

/** Byte of the end-of-file address, by superblock version. */
const END_OF_FILE_AT: Readonly<Record<number, number>> = { 0: 40, 1: 44, 2: 28, 3: 28 };
/** Byte that holds the size of an address, by superblock version. */
const ADDRESS_SIZE_AT: Readonly<Record<number, number>> = { 0: 13, 1: 13, 2: 9, 3: 9 };

export function judgeSuperblock(head: Buffer, { bytes: fileBytes, mtimeMs }: FileSignature): Rejection | null {
  if (fileBytes === 0) return rejection('EmptyFile', `empty since ${isoFromUnixMs(mtimeMs)}`);
  if (!head.subarray(0, 8).equals(SIGNATURE)) {
    return rejection('NotHdf5', `starts with ${head.subarray(0, 8).toString('hex')}, expected ${SIGNATURE.toString('hex')}`);
  }
  const version = head[8] ?? 255;
  const endAt = END_OF_FILE_AT[version];
  const addressSizeAt = ADDRESS_SIZE_AT[version];
  if (endAt === undefined || addressSizeAt === undefined || head[addressSizeAt] !== 8 || head.length < endAt + 8) {
    return rejection('NotHdf5', `superblock version ${version} with ${head[addressSizeAt ?? 13] ?? 0}-byte addresses is not read here`);
  }
  const endOfFile = head.readBigUInt64LE(endAt);
  if (endOfFile > BigInt(fileBytes)) {
    return rejection('Truncated', `${megabytes(fileBytes)} of ${megabytes(Number(endOfFile))} MB`);
  }
  return null;
}

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(bytes < 1e5 ? 3 : 1);

/** What a header may claim: from megabytes to terabytes. */
export const sizeText = (bytes: number): string => (bytes < 1e12 ? `${megabytes(bytes)} MB` : `${(bytes / 1e12).toFixed(1)} TB`);

export async function readSuperblock(file: FileHandle): Promise<Buffer> {
  const head = Buffer.alloc(SUPERBLOCK_BYTES);
  const { bytesRead } = await file.read(head, 0, SUPERBLOCK_BYTES, 0);
  return head.subarray(0, bytesRead);
}
