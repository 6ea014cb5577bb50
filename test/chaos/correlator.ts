/**
 * Stands for the correlator: puts the 16 files of a planned group into the input directory as their fates say, at random
 * moments, and knows what each must read like in the end. The only one that ever changes a raw file.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { nameOf, writeTinyFile } from '../ingest/tiny-uvh5.ts';
import { type FileFate, NIGHT_DEC_RAD, type PlannedGroup, STRAY_DEC_RAD } from './night-plan.ts';
import { SeededRandom } from './random.ts';
import { TinyTemplates } from './tiny-templates.ts';

export interface LeftFile {
  path: string;
  group: PlannedGroup;
  fate: FileFate;
  sha256: string;
}

export class Correlator {
  /** Every file as it was left, by path. */
  readonly left = new Map<string, LeftFile>();
  readonly #input: string;
  readonly #desk: string;
  readonly #deadlineS: number;
  readonly #random: SeededRandom;
  readonly #templates = new TinyTemplates(NIGHT_DEC_RAD);

  constructor(options: { input: string; desk: string; deadlineS: number; seed: number }) {
    this.#input = options.input;
    this.#desk = options.desk;
    this.#deadlineS = options.deadlineS;
    this.#random = new SeededRandom(options.seed + 1);
    mkdirSync(this.#desk, { recursive: true });
  }

  /** Resolves when the last file of the group is as it stays. */
  async deliver(group: PlannedGroup): Promise<void> {
    const order = this.#random.some(
      group.fates.map((fate, subband) => ({ fate, subband })),
      group.fates.length,
    );
    await Promise.all(order.map(({ fate, subband }) => this.#deliverOne(group, subband, fate)));
  }

  async #deliverOne(group: PlannedGroup, subband: number, fate: FileFate): Promise<void> {
    const path = join(this.#input, nameOf(laterText(group.startText, this.#random.whole(0, 2)), subband));
    const pauseMs = this.#random.between(300, 4000);
    const whole = await this.#templates.bytes(subband, group.t0Jd, 1);
    const leave = (bytes: Uint8Array, at = path): void => this.#leave({ group, fate, path: at }, bytes);
    switch (fate) {
      case 'whole':
        return leave(whole);
      case 'absent':
        return;
      case 'late':
        await sleep((this.#deadlineS + this.#random.between(1, 15)) * 1000);
        return leave(whole);
      case 'truncated':
        return leave(whole.subarray(0, Math.floor(whole.length * this.#random.between(0.2, 0.9))));
      case 'empty':
        return leave(new Uint8Array());
      case 'garbled':
        return leave(Uint8Array.from(whole, (byte, at) => (at < 2048 ? this.#random.whole(0, 255) : byte)));
      case 'wrong-slot':
        return leave(await this.#templates.bytes((subband + 3) % 16, group.t0Jd, 1));
      case 'stale-clock':
        return leave(await this.#templates.bytes(subband, group.t0Jd - 5 / 24, 1));
      case 'old-year':
        return leave(await this.#templates.bytes(subband, 2_455_000.5, 1));
      case 'marked-corrupt':
        return leave(whole, `${path}.corrupted`);
      case 'other-pointing':
        return leave(await this.#stray(subband, group.t0Jd));
      case 'half-written':
        writeFileSync(path, whole.subarray(0, whole.length / 2));
        await sleep(pauseMs);
        writeFileSync(path, whole); // in place: the same inode grows
        return this.#note({ group, fate, path }, whole);
      case 'renamed-later':
        writeFileSync(path.replace('.hdf5', '_incomplete.hdf5'), whole);
        await sleep(pauseMs);
        renameSync(path.replace('.hdf5', '_incomplete.hdf5'), path);
        return this.#note({ group, fate, path }, whole);
      case 'copied-twice':
        leave(whole);
        return leave(whole, join(this.#input, nameOf(laterText(group.startText, 7), subband)));
      case 'newer-version':
        leave(whole);
        await sleep(pauseMs);
        return leave(
          await this.#templates.bytes(subband, group.t0Jd, 2),
          join(this.#input, nameOf(laterText(group.startText, 7), subband)),
        );
      case 'replaced':
        leave(whole);
        await sleep(pauseMs);
        return leave(await this.#templates.bytes(subband, group.t0Jd, 2));
      case 'repaired':
        leave(whole.subarray(0, 1000));
        await sleep(pauseMs * 4);
        return leave(whole);
      default:
        return fate satisfies never;
    }
  }

  /** Whole at once, as by a rename after the copy. */
  #leave(file: Omit<LeftFile, 'sha256'>, bytes: Uint8Array): void {
    const draft = join(this.#desk, `${file.group.index}-${this.left.size}-${this.#random.whole(0, 1e9)}`);
    writeFileSync(draft, bytes);
    renameSync(draft, file.path);
    this.#note(file, bytes);
  }

  #note(file: Omit<LeftFile, 'sha256'>, bytes: Uint8Array): void {
    this.left.set(file.path, { ...file, sha256: createHash('sha256').update(bytes).digest('hex') });
  }

  async #stray(subband: number, t0Jd: number): Promise<Uint8Array> {
    const draft = join(this.#desk, `stray-${subband}-${t0Jd}`);
    await writeTinyFile(draft, { subband, t0Jd, decRad: STRAY_DEC_RAD });
    return readFileSync(draft);
  }
}

const laterText = (text: string, seconds: number): string => new Date(Date.parse(`${text}Z`) + seconds * 1000).toISOString().slice(0, 19);
