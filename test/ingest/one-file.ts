/**
 * One raw file in a folder of its own and the verdict of admission on it, for tests: real HDF5, the real header reader.
 */
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { admit, type AdmissionVerdict } from '../../src/ingest/admission.ts';
import { signatureOf } from '../../src/domain/file-signature.ts';
import { createHeaderReader, type HeaderReader } from '../../src/ingest/header-reader.ts';
import type { Rejection } from '../../src/ingest/rejection.ts';
import { type HeaderValue, nameOf, t0JdOf, writeTinyFile } from './tiny-uvh5.ts';

export const START = '2025-10-02T00:05:18';
export const SUBBAND = 3;
export const SITE = { latDeg: 37.2334051, lonDeg: -118.283, heightM: 1188.05 };
/** Rows of a tiny file: 3 times × 6 baselines. */
const [ROWS, BASELINES] = [18, 6];

export let folder: string;
export let reader: HeaderReader;

/** A folder and a reader for all tests of a file; call once at its top. */
export function useOneFile(): void {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'contimg-admission-'));
    reader = createHeaderReader({ deadlineMs: 5000 });
  });
  afterAll(async () => {
    await reader.close();
    await rm(folder, { recursive: true });
  });
}

export type Changes = Partial<Parameters<typeof writeTinyFile>[1]>;
export const filePath = (): string => join(folder, nameOf(START, SUBBAND));

export async function verdictOn(changes: Changes, nameTimeText = START): Promise<AdmissionVerdict> {
  await writeTinyFile(filePath(), { subband: SUBBAND, t0Jd: t0JdOf(START), ...changes });
  return verdictOnDisk({ nameTimeText });
}

export async function verdictOnDisk(of: { path?: string; nameTimeText?: string; using?: HeaderReader } = {}): Promise<AdmissionVerdict> {
  const { path = filePath(), nameTimeText = START, using = reader } = of;
  const signature = signatureOf(await stat(path, { bigint: true }));
  return admit(path, signature, { subband: SUBBAND, nameTimeText }, SITE, using);
}

export const codeOf = (verdict: AdmissionVerdict): string => (verdict.kind === 'rejected' ? verdict.rejection.code : verdict.kind);
export function refusalOf(verdict: AdmissionVerdict): Rejection {
  if (verdict.kind !== 'rejected') throw new Error(`it was ${verdict.kind}`);
  return verdict.rejection;
}

export const header = (name: string, value: HeaderValue | null): Changes => ({ header: { [name]: value } });
export const number = (value: number): HeaderValue => ({ data: Float64Array.of(value), shape: [] });
export const text = (value: string): HeaderValue => ({ data: value, shape: [], dtype: `S${value.length}` });
/** One value a row. */
export const rows = (of: (row: number) => number): HeaderValue => ({ data: Float64Array.from({ length: ROWS }, (_, row) => of(row)) });
/** One value an integration, the same in all its rows. */
export const times = (of: (time: number) => number): HeaderValue => rows((row) => of(Math.floor(row / BASELINES)));
