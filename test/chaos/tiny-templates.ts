/**
 * Tiny UVH5 files by the thousand: one real file a subband and level is written by the writer of tiny-uvh5.ts, the others are
 * its bytes with the times moved. The header reader cannot tell them from files written one by one.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeTinyFile } from '../ingest/tiny-uvh5.ts';

const TEMPLATE_T0_JD = 2_460_950.504;
const DOUBLE_BYTES = 8;

interface Template {
  bytes: Uint8Array;
  /** Where `time_array` begins, and how many rows it has. */
  timesAt: number;
  rows: number;
}

export class TinyTemplates {
  readonly #decRad: number;
  readonly #templates = new Map<string, Promise<Template>>();

  constructor(decRad: number) {
    this.#decRad = decRad;
  }

  async bytes(subband: number, t0Jd: number, level: number): Promise<Uint8Array> {
    const key = `${subband}/${level}`;
    const made = this.#templates.get(key) ?? this.#write(subband, level);
    this.#templates.set(key, made);
    const template = await made;
    const bytes = Uint8Array.from(template.bytes);
    const view = new DataView(bytes.buffer);
    for (let row = 0; row < template.rows; row += 1) {
      const at = template.timesAt + row * DOUBLE_BYTES;
      view.setFloat64(at, view.getFloat64(at, true) - TEMPLATE_T0_JD + t0Jd, true);
    }
    return bytes;
  }

  async #write(subband: number, level: number): Promise<Template> {
    const folder = mkdtempSync(join(tmpdir(), 'contimg-template-'));
    try {
      const path = join(folder, 'template.hdf5');
      await writeTinyFile(path, { subband, t0Jd: TEMPLATE_T0_JD, decRad: this.#decRad, level, integrations: 2, antennas: 2 });
      const bytes = readFileSync(path);
      const first = Buffer.alloc(DOUBLE_BYTES);
      first.writeDoubleLE(TEMPLATE_T0_JD);
      const timesAt = bytes.indexOf(first);
      if (timesAt < 0) throw new Error('the template does not hold its own first time');
      // Two antennas with autocorrelations are three baselines.
      return { bytes, timesAt, rows: 2 * 3 };
    } finally {
      rmSync(folder, { recursive: true });
    }
  }
}
