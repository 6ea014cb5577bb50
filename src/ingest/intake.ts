/**
 * The one way a file comes in. Events and scans hand over paths; a few are looked at at a time, each by one look, and what a
 * look does follows only from the file on disk and what is remembered of it, so any number of events and scans changes nothing.
 * Raw files are opened read-only and never written, renamed, locked or touched.
 */
import { basename } from 'node:path';
import { isoFromUnixMs } from '../domain/utc.ts';
import type { CatalogDatabase } from '../catalog/statement.ts';
import { admit } from './admission.ts';
import { signatureOf } from '../domain/file-signature.ts';
import type { Site } from './header-facts.ts';
import type { HeaderReader } from './header-reader.ts';
import { knownFiles } from './known-files.ts';
import { type LookedAt, registerAdmitted, registerMissing, registerRejected } from './register.ts';
import { type Rejection, rejection } from './rejection.ts';
import { LookQueue } from './look-queue.ts';
import { RememberedFiles } from './remembered-files.ts';
import { type EntryVerdict, judgeEntryName, judgePath } from './safe-path.ts';
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

/** Enough to keep the header threads busy while other files are looked at; each holds one path and no content. */
const LOOKS_AT_A_TIME = 8;

export class Intake {
  private readonly use: IntakeDependencies;
  readonly files = new RememberedFiles();
  readonly unfinished = new UnfinishedFiles();
  private readonly queue = new LookQueue();
  readonly counts = { admitted: 0, rejected: 0 };

  constructor(dependencies: IntakeDependencies, directory: string) {
    this.use = dependencies;
    for (const { path, signature } of knownFiles(dependencies.database, directory)) this.files.keepKnown(path, signature);
  }

  enqueue(path: string): void {
    this.queue.add(path);
  }

  hasWork(): boolean {
    return this.queue.hasWork();
  }

  enqueueDue(): void {
    for (const path of this.files.due(this.use.monotonicMs())) this.queue.add(path);
  }

  /** After a scan that saw the whole tree: files that were here and that it did not find. */
  enqueueUnmet(): void {
    for (const path of this.files.unmet()) this.queue.add(path);
    this.unfinished.forgetUnmet();
  }

  beginScan(): void {
    this.files.beginScan();
    this.unfinished.beginScan();
  }

  /** Looks at what was handed over until nothing is left, `stop` says so or the time is over. One call at a time. */
  async drain(stop?: AbortSignal, limitMs = Number.POSITIVE_INFINITY): Promise<void> {
    const endMs = this.use.monotonicMs() + limitMs;
    const isOver = (): boolean => stop?.aborted === true || this.use.monotonicMs() >= endMs;
    const lane = async (): Promise<void> => {
      for (let path = isOver() ? null : this.queue.take(); path !== null; path = isOver() ? null : this.queue.take()) {
        await this.lookOnce(path);
      }
    };
    await Promise.all(Array.from({ length: LOOKS_AT_A_TIME }, lane));
  }

  /** A look at a path that a scan came by; none if one is being taken. */
  async pass(path: string): Promise<void> {
    if (this.queue.takeThis(path)) await this.lookOnce(path);
  }

  /** The path is in hand. */
  private async lookOnce(path: string): Promise<void> {
    try {
      this.files.meet(path);
      await this.lookAt(path, judgeEntryName(basename(path)));
    } finally {
      this.queue.putDown(path);
    }
  }

  private async lookAt(path: string, name: EntryVerdict): Promise<void> {
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
    if (this.files.isKnown(path, signature)) return;
    const { subband, nameTimeText } = name.kind === 'unsafe-name' ? { subband: null, nameTimeText: null } : name;
    const file: LookedAt = { path, signature, subband, nameTimeText, seenAt: isoFromUnixMs(this.use.nowMs()) };
    if (name.kind === 'unsafe-name') return this.close(file, name.rejection);
    if (name.kind === 'marked-corrupt')
      return this.close(file, rejection('MarkedCorrupt', 'its name ends in .corrupted; it was not opened'));
    // What may not be read goes the way of a file that may not be read: it is tried again when its rights may be mended.
    if (found.kind === 'refused' && found.rejection.code !== 'Unreadable') return this.close(file, found.rejection);
    await this.settle(file, { subband: name.subband, nameTimeText: name.nameTimeText });
  }

  private async settle(file: LookedAt, claims: { subband: number; nameTimeText: string }): Promise<void> {
    const { rule, monotonicMs } = this.use;
    const wasRenamed = this.unfinished.has(file.signature.inode);
    const verdict = look(this.files.settling(file.path), file.signature, monotonicMs(), wasRenamed, rule);
    this.files.keepSettling(file.path, verdict.state);
    if (verdict.kind === 'wait') return;
    this.unfinished.forget(file.signature.inode);
    const admission = await admit(file.path, file.signature, claims, this.use.site, this.use.reader);
    switch (admission.kind) {
      case 'changed':
        this.queue.add(file.path);
        return;
      case 'admitted': {
        const groupId = registerAdmitted(this.use.database, file, admission.facts, this.use.expectedSubbands);
        this.files.keepKnown(file.path, file.signature);
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
      this.files.keepSettling(file.path, later);
      return;
    }
    if (state.onRecord !== 'invalid') this.close(file, refused);
    // Rights can be mended without a trace in size or time: such a file is tried at long intervals for ever.
    if (refused.code === 'Unreadable') this.files.keepSettling(file.path, longestBackOff(state, this.use.monotonicMs()));
  }

  /** A final verdict: the file is left alone until it changes. */
  private close(file: LookedAt, refused: Rejection): void {
    registerRejected(this.use.database, file, refused, 'invalid');
    this.files.keepKnown(file.path, file.signature);
    this.counts.rejected += 1;
    this.use.log.warn({ path: file.path, code: refused.code, remedy: refused.remedy }, `raw file not taken: ${refused.message}`);
  }

  private forget(path: string): void {
    this.files.forget(path);
    for (const other of registerMissing(this.use.database, path)) {
      this.files.forget(other);
      this.queue.add(other);
    }
  }
}
