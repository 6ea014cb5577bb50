/** The hosts that run steps, as they last reported themselves. */
import { z } from 'zod';
import { type CatalogDatabase, rowsOf, runSql } from './statement.ts';

export const hostRow = z.object({
  name: z.string(),
  first_seen_at: z.string(),
  last_seen_at: z.string(),
  pid: z.int().nullable(),
  slots: z.int().nullable(),
  version: z.string().nullable(),
});
export type HostRow = z.infer<typeof hostRow>;

export function reportHost(
  database: CatalogDatabase,
  host: { name: string; at: string; pid: number | null; slots: number | null; version: string | null },
): void {
  runSql(
    database,
    `INSERT INTO hosts (name, first_seen_at, last_seen_at, pid, slots, version) VALUES (:name, :at, :at, :pid, :slots, :version)
     ON CONFLICT (name) DO UPDATE SET last_seen_at = excluded.last_seen_at, pid = excluded.pid, slots = excluded.slots,
       version = excluded.version WHERE excluded.last_seen_at >= last_seen_at`,
    host,
  );
}

export const listHosts = (database: CatalogDatabase): HostRow[] => rowsOf(database, hostRow, 'SELECT * FROM hosts ORDER BY name');
