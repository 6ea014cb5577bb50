/**
 * The one way a file comes in. Events and scans hand over paths; each path is looked at in turn, and what a look does
 * follows only from the file on disk and what is remembered of it, so any number of events and scans changes nothing.
 * Raw files are opened read-only and never written, renamed, locked or touched.
 */
import { basename } from 'node:path';
import { isoFromUnixMs } from '../domain/utc.ts';
import type { CatalogDatabase } from '../catalog/statement.ts';
import { admit } from './admission.ts';
import { type FileSignature, sameSignature, signatureOf } from './file-signature.ts';
import type { Site } from './header-facts.ts';
import type { HeaderReader } from './header-reader.ts';
import { knownFiles } from './known-files.ts';
import { type LookedAt, registerAdmitted, registerMissing, registerRejected } from './register.ts';
import { type Rejection, rejection } from './rejection.ts';
import { judgeEntryName, judgePath } from './safe-path.ts';
import { UnfinishedFiles } from './unfinished-files.ts';
import { backOff, longestBackOff, look, type Settling, type SettlingRule } from './settling.ts';

export interface IntakeDependencies {
  database: CatalogDatabase;
  reader: HeaderReader;
  /** The input directory, with its own links resolved. */
  rootRealPath: string;
  rule: SettlingRule;
  site: Site;
  expectedSubbands: number;
  monotonicMs: () => number;
  nowMs: () => number;
  log: IngestLog;
}

export interface IngestLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

type Tracked = { kind: 'known'; signature: FileSignature } | { kind: 'settling'; state: Settling };

export class Intake {
  private readonly use: IntakeDependencies;
  private readonly tracked = new Map<string, Tracked>();
  readonly unfinished = new UnfinishedFiles();
  private readonly queue = new Set<string>();
  readonly counts = { admitted: 0, rejected: 0 };

  constructor(dependencies: IntakeDependencies, directory: string) {
    this.use = dependencies;
    for (const { path, signature } of knownFiles(dependencies.database, directory)) this.tracked.set(path, { kind: 'known', signature });
  }

  enqueue(path: string): void {
    this.queue.add(path);
  }

  hasWork(): boolean {
    return this.queue.size > 0;
  }

  enqueueDue(): void {
    const nowMs = this.use.monotonicMs();
    for (const [path, tracked] of this.tracked) {
      if (tracked.kind === 'settling' && tracked.state.nextLookMs <= nowMs) this.queue.add(path);
    }
  }

  /** Files that were here and that a complete scan did not find. */
  enqueueUnseen(seen: ReadonlySet<string>): void {
    for (const path of this.tracked.keys()) if (!seen.has(path)) this.queue.add(path);
    this.unfinished.forgetUnseen(seen);
  }

  /** When the next settling file is due, on the monotonic clock; null when none is. */
  nextDueMs(): number | null {
    let next: number | null = null;
    for (const tracked of this.tracked.values()) {
      if (tracked.kind === 'settling' && (next === null || tracked.state.nextLookMs < next)) next = tracked.state.nextLookMs;
    }
    return next;
  }

  /** Candidates that have not been tried once yet. */
  untried(): number {
    let count = 0;
    for (const tracked of this.tracked.values()) if (tracked.kind === 'settling' && tracked.state.onRecord === 'nothing') count += 1;
    return count;
  }

  settlingCount(): number {
    let count = 0;
    for (const tracked of this.tracked.values()) if (tracked.kind === 'settling') count += 1;
    return count;
  }

  /** Looks at everything handed over, one after the other, until nothing is left or `stop` says so. One call at a time. */
  async drain(stop?: AbortSignal): Promise<void> {
    for (const path of this.queue) {
      if (stop?.aborted === true) return;
      this.queue.delete(path);
      await this.lookAt(path);
    }
  }

  private async lookAt(path: string): Promise<void> {
    const name = judgeEntryName(basename(path));
    if (name.kind === 'foreign') return;
    const found = await judgePath(path, this.use.rootRealPath);
    if (found.kind === 'gone') return this.forget(path);
    if (name.kind === 'incomplete' || name.kind === 'copy-in-progress') {
      if (found.kind === 'regular') this.unfinished.see(path, name.kind, found.stat);
      return;
    }
    if (found.kind === 'unknown') {
      this.use.log.warn({ path }, `a raw file cannot be looked at: ${found.rejection.message}`);
      return;
    }
    const signature = signatureOf(found.stat);
    if (this.isKnown(path, signature)) return;
    const { subband, nameTimeText } = name.kind === 'unsafe-name' ? { subband: null, nameTimeText: null } : name;
    const file: LookedAt = { path, signature, subband, nameTimeText, seenAt: isoFromUnixMs(this.use.nowMs()) };
    if (name.kind === 'unsafe-name') return this.close(file, name.rejection);
    if (name.kind === 'marked-corrupt')
      return this.close(file, rejection('MarkedCorrupt', 'its name ends in .corrupted; it was not opened'));
    if (found.kind === 'refused') return this.close(file, found.rejection);
    await this.settle(file, { subband: name.subband, nameTimeText: name.nameTimeText });
  }

  private isKnown(path: string, signature: FileSignature): boolean {
    const tracked = this.tracked.get(path);
    return tracked?.kind === 'known' && sameSignature(tracked.signature, signature);
  }

  private async settle(file: LookedAt, claims: { subband: number; nameTimeText: string }): Promise<void> {
    const { rule, monotonicMs } = this.use;
    const tracked = this.tracked.get(file.path);
    const wasRenamed = this.unfinished.has(file.signature.inode);
    const before = tracked?.kind === 'settling' ? tracked.state : null;
    const verdict = look(before, file.signature, monotonicMs(), wasRenamed, rule);
    this.tracked.set(file.path, { kind: 'settling', state: verdict.state });
    if (verdict.kind === 'wait') return;
    this.unfinished.forget(file.signature.inode);
    const admission = await admit(file.path, file.signature, claims, this.use.site, this.use.reader);
    switch (admission.kind) {
      case 'changed':
        this.queue.add(file.path);
        return;
      case 'admitted': {
        const groupId = registerAdmitted(this.use.database, file, admission.facts, this.use.expectedSubbands);
        this.tracked.set(file.path, { kind: 'known', signature: file.signature });
        this.counts.admitted += 1;
        this.use.log.info({ path: file.path, groupId, subband: file.subband }, 'subband admitted');
        return;
      }
      case 'rejected':
        this.reject(file, admission.rejection, verdict.state);
        return;
      default:
        admission satisfies never;
    }
  }

  private reject(file: LookedAt, refused: Rejection, state: Settling): void {
    const later = refused.mayBeHalfWritten ? backOff(state, this.use.monotonicMs(), this.use.rule) : null;
    if (later !== null) {
      if (state.onRecord === 'nothing') registerRejected(this.use.database, file, refused, 'settling');
      this.tracked.set(file.path, { kind: 'settling', state: later });
      return;
    }
    if (state.onRecord !== 'invalid') this.close(file, refused);
    // Rights can be mended without a trace in size or time: such a file is tried at long intervals for ever.
    if (refused.code === 'Unreadable')
      this.tracked.set(file.path, { kind: 'settling', state: longestBackOff(state, this.use.monotonicMs()) });
  }

  /** A final verdict: the file is left alone until it changes. */
  private close(file: LookedAt, refused: Rejection): void {
    registerRejected(this.use.database, file, refused, 'invalid');
    this.tracked.set(file.path, { kind: 'known', signature: file.signature });
    this.counts.rejected += 1;
    this.use.log.warn({ path: file.path, code: refused.code, remedy: refused.remedy }, `raw file not taken: ${refused.message}`);
  }

  private forget(path: string): void {
    this.tracked.delete(path);
    for (const other of registerMissing(this.use.database, path)) {
      this.tracked.delete(other);
      this.queue.add(other);
    }
  }
}
