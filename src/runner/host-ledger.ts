/**
 * What running steps of this host have asked for and may still take: memory, and bytes on each file system. A step that does
 * not fit beside the others is refused before it begins, so that steps which each fit alone cannot overfill a disk together.
 * Kept in the worker's memory: a claim ends with its step, and with its worker.
 */
import { statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { StepError } from '../domain/failure.ts';
import { systemErrorCode } from '../domain/system-error.ts';

const PLACES = ['scratch', 'output', 'tmpfs'] as const;
export type Place = (typeof PLACES)[number];

type Claimed = Partial<Record<Place | 'memory', number>>;

/** Bytes, at most. */
export interface Footprint extends Claimed {
  /** What goes from scratch to output in the end: room that is needed twice only where they are two file systems. */
  published?: number;
}

interface Claim {
  /** Group and step. */
  name: string;
  footprint: Claimed;
}

export class HostLedger {
  readonly #folders: Readonly<Record<Place, string>>;
  readonly #memoryBytes: number;
  readonly #claims = new Set<Claim>();

  constructor(limits: { folders: Readonly<Record<Place, string>>; memoryBytes: number }) {
    this.#folders = limits.folders;
    this.#memoryBytes = limits.memoryBytes;
  }

  get claims(): readonly Claim[] {
    return [...this.#claims];
  }

  /** Answers how to give it back; refuses with NoSpace. Nothing is awaited in between: two steps cannot both take the last byte. */
  claim(name: string, { published = 0, ...footprint }: Footprint): () => void {
    if (published > 0 && deviceOf(this.#folders.scratch) !== deviceOf(this.#folders.output)) {
      footprint.output = (footprint.output ?? 0) + published;
    }
    for (const place of PLACES) this.#assertRoom(place, footprint[place] ?? 0);
    this.#assertMemory(footprint.memory ?? 0);
    const claim = { name, footprint };
    this.#claims.add(claim);
    return () => this.#claims.delete(claim);
  }

  /** Free bytes of a place that no running step has claimed. */
  unclaimedBytes(place: Place): number {
    return freeBytesAt(this.#folders[place]) - this.#claimedBytes(place);
  }

  #assertRoom(place: Place, bytes: number): void {
    const left = this.unclaimedBytes(place);
    if (bytes === 0 || bytes <= left) return;
    const claimed = this.#claimedBytes(place);
    const shared = claimed === 0 ? '' : `, ${gigabytes(claimed)} of them claimed by running steps`;
    throw refused(
      `${gigabytes(bytes)} of ${place}: ${gigabytes(left + claimed)} are free in ${this.#folders[place]}${shared}`,
      `free space in ${this.#folders[place]}, or wait for the running steps; it goes on by itself`,
    );
  }

  /** A step that asks for more than there is runs alone: memory limits of the process are what ends it. */
  #assertMemory(bytes: number): void {
    const claimed = [...this.#claims].reduce((sum, { footprint }) => sum + (footprint.memory ?? 0), 0);
    if (claimed === 0 || claimed + bytes <= this.#memoryBytes) return;
    throw refused(
      `${gigabytes(bytes)} of memory: running steps have claimed ${gigabytes(claimed)} of ${gigabytes(this.#memoryBytes)}`,
      'it goes on by itself when one of them has ended',
    );
  }

  /** Places on one file system share its bytes. */
  #claimedBytes(place: Place): number {
    const device = deviceOf(this.#folders[place]);
    const together = PLACES.filter((other) => deviceOf(this.#folders[other]) === device);
    return [...this.#claims]
      .flatMap(({ footprint }) => together.map((other) => footprint[other] ?? 0))
      .reduce((sum, bytes) => sum + bytes, 0);
  }
}

const refused = (message: string, remedy: string): StepError =>
  new StepError({ type: 'NoSpace', code: 'NotAdmitted', message, remedy, sideEffects: 'none' });

const gigabytes = (bytes: number): string => (bytes < 1e8 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`);

const deviceOf = (path: string): number => statSync(nearestExisting(path)).dev;

function freeBytesAt(path: string): number {
  const { bavail, bsize } = statfsSync(nearestExisting(path));
  return bavail * bsize;
}

function nearestExisting(path: string): string {
  try {
    statSync(path);
    return path;
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT' || dirname(path) === path) throw error;
    return nearestExisting(dirname(path));
  }
}
