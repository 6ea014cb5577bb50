/**
 * The watcher of one input directory: a full scan at the start and at intervals, file events in between where they work,
 * announcements to workflows, and a heartbeat. A lost event costs one scan interval, never a file.
 */
import { realpath } from 'node:fs/promises';
import type { CatalogDatabase } from '../catalog/statement.ts';
import { countUnannounced } from '../catalog/subband-files.ts';
import type { Settings } from '../config/settings.ts';
import { isoFromUnixMs } from '../domain/utc.ts';
import { type Announce, createAnnouncer } from './announcer.ts';
import { type FileEvents, remoteFileSystem, watchEvents } from './file-events.ts';
import { createHeaderReader } from './header-reader.ts';
import { type IngestLog, Intake } from './intake.ts';
import { Scanner } from './scanner.ts';
import { type WatchStatus, writeHeartbeat } from './watch-status.ts';

export const HEADER_DEADLINE_MS = 5000;
const monotonicMs = (): number => performance.now();
const SHORTEST_WAIT_MS = 5;
/** A backlog is worked off by rounds, so that what falls due and the next scan get their turn. */
const LOOK_ROUND_MS = 1000;

export interface IngestOptions {
  settings: Settings;
  /** Opened with role `watch`. */
  database: CatalogDatabase;
  announce: Announce;
  log: IngestLog;
}

export interface Ingest {
  /** Resolves when the first scan is done; then follows the directory until `stop`. */
  start(): Promise<void>;
  /** Resolves after `stop`; rejects when the watcher can no longer work (product database gone, say). */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
  /** Scans until every file found was admitted, refused or tried once; announces; answers what was seen. Then ends. */
  once(): Promise<WatchStatus>;
  status(): WatchStatus;
}

export async function createIngest({ settings, database, announce, log }: IngestOptions): Promise<Ingest> {
  const directory = settings.paths.input;
  const rootRealPath = await realpath(directory);
  const nowMs = Date.now;
  const reader = createHeaderReader({ deadlineMs: HEADER_DEADLINE_MS });
  const rule = { settleMs: settings.watch.settleS * 1000, admissionMs: settings.watch.admissionS * 1000 };
  const expectedSubbands = settings.collecting.expected;
  const intake = new Intake(
    { database, reader, rootRealPath, rule, site: settings.site, expectedSubbands, monotonicMs, nowMs, log },
    directory,
  );
  const scanner = new Scanner({ directory, intake, log, monotonicMs, nowMs });
  const announcer = createAnnouncer({ database, settings, announce, nowMs, log });
  const startedAt = isoFromUnixMs(nowMs());

  let mode: WatchStatus['mode'] = 'poll';
  let modeReason: string | null = settings.watch.events ? null : 'switched off';
  let events: FileEvents | null = null;
  const stopping = new AbortController();
  let nextScanMs = 0;
  let wake: (() => void) | null = null;
  let announcing: Promise<unknown> = Promise.resolve();
  const { promise: ended, resolve: markEnded, reject: markFailed } = Promise.withResolvers<void>();

  const status = (): WatchStatus => ({
    mode,
    mode_reason: modeReason,
    directory,
    ...scanner.report,
    left_incomplete: intake.unfinished.leftOver(nowMs()),
    settling: intake.files.settlingCount(),
    admitted_since_start: intake.counts.admitted,
    rejected_since_start: intake.counts.rejected,
    unannounced: countUnannounced(database),
  });

  const beat = (): void =>
    writeHeartbeat(database, {
      host: settings.worker.hostName,
      pid: process.pid,
      startedAt,
      at: isoFromUnixMs(nowMs()),
      status: status(),
    });

  function pollInstead(reason: string): void {
    mode = 'poll';
    modeReason = reason;
    nextScanMs = 0;
    log.warn({ directory, pollS: settings.watch.pollS }, `file events are not usable, the directory is scanned more often: ${reason}`);
    wake?.();
  }

  function hear(path: string): void {
    intake.enqueue(path);
    wake?.();
  }

  async function listen(): Promise<void> {
    if (!settings.watch.events) return;
    const remote = await remoteFileSystem(directory);
    if (remote !== null) return pollInstead(`${remote} gives no events for changes made on other hosts`);
    mode = 'events';
    events = await watchEvents(directory, hear, pollInstead);
  }

  /** `watch.poll_s` without events, `watch.rescan_s` with them. */
  function planNextScan(): void {
    const { pollS, rescanS } = settings.watch;
    nextScanMs = monotonicMs() + 1000 * (mode === 'events' ? rescanS : Math.min(pollS, rescanS));
  }

  const sleepUntil = (atMs: number): Promise<void> =>
    new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        wake = null;
        resolve();
      };
      const timer = setTimeout(done, Math.max(SHORTEST_WAIT_MS, atMs - monotonicMs()));
      wake = done;
    });

  /** Beside the looks: a server that does not answer must not hold up admission. Between scans only while it answers. */
  function announceSoon(always: boolean): void {
    announcing = announcing.then(async () => {
      if (always || announcer.isReachable()) await announcer.announceAll();
    });
    announcing.catch(markFailed);
  }

  /** While a backlog lasts nothing is announced: a group that is here whole must not be told of in parts. */
  async function lookRound(always: boolean): Promise<void> {
    intake.enqueueDue();
    await intake.drain(stopping.signal, LOOK_ROUND_MS);
    if (!intake.hasWork()) announceSoon(always);
  }

  async function scanRound(): Promise<void> {
    planNextScan();
    await scanner.scan(stopping.signal);
    await lookRound(true);
    beat();
  }

  async function follow(): Promise<void> {
    while (!stopping.signal.aborted) {
      if (!intake.hasWork()) await sleepUntil(Math.min(nextScanMs, intake.files.nextDueMs() ?? Number.POSITIVE_INFINITY));
      if (stopping.signal.aborted) break;
      if (monotonicMs() >= nextScanMs) await scanRound();
      else await lookRound(false);
    }
    await announcing;
  }

  async function close(): Promise<void> {
    await events?.close();
    await reader.close();
  }

  return {
    ended,
    status,
    async start() {
      await listen();
      await scanRound();
      follow().then(markEnded, markFailed);
    },
    async stop() {
      stopping.abort();
      wake?.();
      await ended;
      await close();
    },
    async once() {
      await scanner.scan();
      await intake.drain();
      while (intake.files.untried() > 0) {
        await sleepUntil(intake.files.nextDueMs() ?? 0);
        intake.enqueueDue();
        await intake.drain();
      }
      await announcer.announceAll();
      beat();
      await close();
      return status();
    },
  };
}
