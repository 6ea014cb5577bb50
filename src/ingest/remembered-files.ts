/**
 * What the watcher remembers of each path, so that a look at an unchanged file costs one `stat`: its signature at the last
 * verdict, or how far it has settled. Which paths a scan has met is a mark on them, not a list of its own.
 */
import type { FileSignature } from '../domain/file-signature.ts';
import { sameSignature } from '../domain/file-signature.ts';
import type { Settling } from './settling.ts';

interface Remembered<What> {
  what: What;
  /** The last scan it was met in. */
  scan: number;
}

export class RememberedFiles {
  private readonly known = new Map<string, Remembered<FileSignature>>();
  /** Few, apart from the start: what is due is looked for often. */
  private readonly underWay = new Map<string, Remembered<Settling>>();
  private scan = 0;

  isKnown(path: string, signature: FileSignature): boolean {
    const remembered = this.known.get(path);
    return remembered !== undefined && sameSignature(remembered.what, signature);
  }

  settling(path: string): Settling | null {
    return this.underWay.get(path)?.what ?? null;
  }

  keepKnown(path: string, signature: FileSignature): void {
    this.underWay.delete(path);
    this.known.set(path, { what: signature, scan: this.scan });
  }

  keepSettling(path: string, state: Settling): void {
    this.known.delete(path);
    this.underWay.set(path, { what: state, scan: this.scan });
  }

  forget(path: string): void {
    this.known.delete(path);
    this.underWay.delete(path);
  }

  beginScan(): void {
    this.scan += 1;
  }

  /** A look at a path that is remembered: whatever comes of it, the scan need not ask for it again. */
  meet(path: string): void {
    const remembered = this.known.get(path) ?? this.underWay.get(path);
    if (remembered !== undefined) remembered.scan = this.scan;
  }

  /** Paths that the scan under way has not met. */
  *unmet(): Generator<string> {
    for (const files of [this.known, this.underWay]) {
      for (const [path, { scan }] of files) if (scan !== this.scan) yield path;
    }
  }

  *due(nowMs: number): Generator<string> {
    for (const [path, { what }] of this.underWay) if (what.nextLookMs <= nowMs) yield path;
  }

  /** When the next settling file is due, on the monotonic clock; null when none is. */
  nextDueMs(): number | null {
    let next: number | null = null;
    for (const { what } of this.underWay.values()) if (next === null || what.nextLookMs < next) next = what.nextLookMs;
    return next;
  }

  /** Candidates that have not been tried once yet. */
  untried(): number {
    let count = 0;
    for (const { what } of this.underWay.values()) if (what.onRecord === 'nothing') count += 1;
    return count;
  }

  settlingCount(): number {
    return this.underWay.size;
  }
}
