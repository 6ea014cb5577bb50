/**
 * Full scans of the input directory: every path is passed by the intake, and what was known but is not there any more is
 * handed to it. Keeps what the last scan saw, for the heartbeat. A scan that could not read the whole tree declares nothing missing.
 */
import { basename } from 'node:path';
import { isoFromUnixMs } from '../domain/utc.ts';
import { pathsBelow, whyUnreadable } from './directory-scan.ts';
import type { IngestLog, Intake } from './intake.ts';
import { judgeEntryName } from './safe-path.ts';

const FOREIGN_NAMES_LOGGED_EVERY_MS = 3_600_000;
const FOREIGN_NAMES_SHOWN = 3;
/** Most of a look is waiting for the file system, four calls at a time. */
const PATHS_AT_A_TIME = 16;
/** A long scan lets files in that were named or fell due meanwhile, by turns of this length. */
const STRETCH_MS = 500;

export interface ScanReport {
  /** Null until the first scan has ended. */
  last_scan_at: string | null;
  last_scan_s: number | null;
  /** Null when the last scan saw the whole tree. */
  last_scan_problem: string | null;
  files_seen: number;
  incomplete: number;
  copies_in_progress: number;
  foreign: number;
}

export class Scanner {
  report: ScanReport = {
    last_scan_at: null,
    last_scan_s: null,
    last_scan_problem: null,
    files_seen: 0,
    incomplete: 0,
    copies_in_progress: 0,
    foreign: 0,
  };
  private foreignLoggedMs = Number.NEGATIVE_INFINITY;
  private readonly use: { directory: string; intake: Intake; log: IngestLog; monotonicMs: () => number; nowMs: () => number };

  constructor(use: { directory: string; intake: Intake; log: IngestLog; monotonicMs: () => number; nowMs: () => number }) {
    this.use = use;
  }

  async scan(stop?: AbortSignal): Promise<void> {
    const { directory, intake, log, monotonicMs, nowMs } = this.use;
    const begunMs = monotonicMs();
    let filesSeen = 0;
    const counts = { incomplete: 0, copies_in_progress: 0, foreign: 0 };
    const foreignNames: string[] = [];
    const problems: string[] = [];
    const onUnreadable = (folder: string, error: unknown): void => {
      const reason = whyUnreadable(folder, error) ?? (folder === directory ? 'it is not there' : null);
      if (reason !== null) problems.push(`${folder}: ${reason}`);
    };
    const count = (path: string): void => {
      filesSeen += 1;
      const name = basename(path);
      const { kind } = judgeEntryName(name);
      if (kind === 'incomplete') counts.incomplete += 1;
      else if (kind === 'copy-in-progress') counts.copies_in_progress += 1;
      else if (kind === 'foreign') {
        counts.foreign += 1;
        if (foreignNames.length < FOREIGN_NAMES_SHOWN) foreignNames.push(name);
      }
    };
    intake.beginScan();
    const paths = pathsBelow(directory, onUnreadable);
    let nextPauseMs = begunMs + STRETCH_MS;
    const lane = async (): Promise<void> => {
      for await (const path of paths) {
        if (stop?.aborted === true) return;
        count(path);
        await intake.pass(path);
        if (monotonicMs() < nextPauseMs) continue;
        nextPauseMs = Number.POSITIVE_INFINITY;
        intake.enqueueDue();
        await intake.drain(stop, STRETCH_MS);
        nextPauseMs = monotonicMs() + STRETCH_MS;
      }
    };
    await Promise.all(Array.from({ length: PATHS_AT_A_TIME }, lane));
    const problem = problems[0] ?? null;
    if (problem === null && stop?.aborted !== true) intake.enqueueUnmet();
    else if (problem !== this.report.last_scan_problem) log.warn({ directory }, `the input directory cannot be read whole: ${problem}`);
    this.logForeignNames(counts.foreign, foreignNames);
    this.report = {
      last_scan_at: isoFromUnixMs(nowMs()),
      last_scan_s: (monotonicMs() - begunMs) / 1000,
      last_scan_problem: problem,
      files_seen: filesSeen,
      ...counts,
    };
  }

  private logForeignNames(count: number, examples: string[]): void {
    const nowMs = this.use.monotonicMs();
    if (count === 0 || nowMs - this.foreignLoggedMs < FOREIGN_NAMES_LOGGED_EVERY_MS) return;
    this.foreignLoggedMs = nowMs;
    this.use.log.info(
      { count, examples, directory: this.use.directory },
      'names in the input directory that are not subband files are ignored',
    );
  }
}
