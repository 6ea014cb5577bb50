/**
 * What the watcher says of itself, for the health endpoint and `contimg doctor`: one row a host, rewritten at each scan.
 */
import { z } from 'zod';
import { type CatalogDatabase, jsonColumn, rowsOf, runSql } from '../catalog/statement.ts';

const watchStatusSchema = z.object({
  /** `events`: looks happen on file events and at each rescan; `poll`: at scans only. */
  mode: z.enum(['events', 'poll']),
  mode_reason: z.string().nullable(),
  directory: z.string(),
  /** Null until the first scan has ended. */
  last_scan_at: z.string().nullable(),
  last_scan_s: z.number().nullable(),
  /** Null when the last scan saw the whole tree. */
  last_scan_problem: z.string().nullable(),
  files_seen: z.int(),
  settling: z.int(),
  incomplete: z.int(),
  /** Of the incomplete ones, those that nothing was written to for 15 minutes: last files of a run. */
  left_incomplete: z.array(z.string()).default([]),
  copies_in_progress: z.int(),
  foreign: z.int(),
  admitted_since_start: z.int(),
  rejected_since_start: z.int(),
  unannounced: z.int(),
});
export type WatchStatus = z.infer<typeof watchStatusSchema>;

const watchHeartbeatRow = z.object({
  host: z.string(),
  pid: z.int(),
  started_at: z.string(),
  beat_at: z.string(),
  status: jsonColumn(watchStatusSchema),
});
export type WatchHeartbeat = z.infer<typeof watchHeartbeatRow>;

export function writeHeartbeat(
  database: CatalogDatabase,
  beat: { host: string; pid: number; startedAt: string; at: string; status: WatchStatus },
): void {
  runSql(
    database,
    `INSERT INTO service_heartbeats (service, host, pid, started_at, beat_at, status)
     VALUES ('watch', :host, :pid, :startedAt, :at, :status)
     ON CONFLICT (service, host) DO UPDATE SET pid = excluded.pid, started_at = excluded.started_at,
       beat_at = excluded.beat_at, status = excluded.status`,
    { host: beat.host, pid: beat.pid, startedAt: beat.startedAt, at: beat.at, status: JSON.stringify(beat.status) },
  );
}

/** The watchers that ever reported, the latest first. */
export const watchHeartbeats = (database: CatalogDatabase): WatchHeartbeat[] =>
  rowsOf(
    database,
    watchHeartbeatRow,
    `SELECT host, pid, started_at, beat_at, status FROM service_heartbeats WHERE service = 'watch' ORDER BY beat_at DESC`,
  );
