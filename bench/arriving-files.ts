/**
 * Raw files by the thousand for bench/ingest.ts: real HDF5 files of a few kilobytes with headers that pass every check. One
 * file a subband is written with the library; the others are its bytes with other times, which takes 0.1 ms a file.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unixMsFromSecondText, unixMsToJd } from '../src/domain/utc.ts';
import { nameOf, STEP_DAYS, type TinyFile, writeTinyFile } from '../test/ingest/tiny-uvh5.ts';

const SUBBANDS = 16;
/** Starts of two groups in a run of the correlator, s. */
const CADENCE_S = 309;
const FIRST_START = '2025-10-02T00:00:00';
const DAY_MS = 86_400_000;
const TEMPLATE_T0_JD = unixMsToJd(unixMsFromSecondText(FIRST_START) ?? Number.NaN);

export interface RawFiles {
  /** The name of file `index`; sixteen in a row are one group. */
  name(index: number): string;
  bytes(index: number): Buffer;
  /** Middle of its first integration. */
  t0Jd(index: number): number;
}

/** After the first file. */
const startMs = (index: number): number => 1000 * CADENCE_S * Math.floor(index / SUBBANDS);

const t0JdOfFile = (index: number): number => TEMPLATE_T0_JD + startMs(index) / DAY_MS;

export async function rawFiles(shape: { antennas: number; integrations: number }): Promise<RawFiles> {
  const templates = await templateFiles(shape);
  const daysAfterStart = Array.from({ length: shape.integrations }, (_, k) => k * STEP_DAYS);
  const timesAt = templates.map((template) => daysAfterStart.map((days) => offsetsOf(template, TEMPLATE_T0_JD + days)));
  return {
    t0Jd: t0JdOfFile,
    name: (index) => {
      const at = new Date((unixMsFromSecondText(FIRST_START) ?? Number.NaN) + startMs(index));
      return nameOf(at.toISOString().slice(0, 19), index % SUBBANDS);
    },
    bytes: (index) => {
      const subband = index % SUBBANDS;
      const content = Buffer.from(templates[subband] ?? []);
      for (const [k, offsets] of (timesAt[subband] ?? []).entries()) {
        for (const offset of offsets) content.writeDoubleLE(t0JdOfFile(index) + k * STEP_DAYS, offset);
      }
      return content;
    },
  };
}

async function templateFiles(shape: Partial<TinyFile>): Promise<Buffer[]> {
  const folder = await mkdtemp(join(tmpdir(), 'contimg-templates-'));
  try {
    const templates: Buffer[] = [];
    for (let subband = 0; subband < SUBBANDS; subband += 1) {
      const path = join(folder, nameOf(FIRST_START, subband));
      await writeTinyFile(path, { ...shape, subband, t0Jd: TEMPLATE_T0_JD });
      templates.push(await readFile(path));
    }
    return templates;
  } finally {
    await rm(folder, { recursive: true });
  }
}

function offsetsOf(content: Buffer, value: number): number[] {
  const wanted = Buffer.alloc(8);
  wanted.writeDoubleLE(value);
  const offsets: number[] = [];
  for (let at = content.indexOf(wanted); at >= 0; at = content.indexOf(wanted, at + 8)) offsets.push(at);
  if (offsets.length === 0) throw new Error('the template does not hold its own time');
  return offsets;
}

/** Writes files `from` … `to` under their final names. */
export async function placeFiles(files: RawFiles, folder: string, from: number, to: number): Promise<void> {
  for (let index = from; index < to; index += 1) await writeFile(join(folder, files.name(index)), files.bytes(index));
}
