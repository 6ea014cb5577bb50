/**
 * What the product database already knows of files on disk, so that a restart reads no header twice.
 */
import { z } from 'zod';
import { FILE_STATUSES, type FileStatus, REPLACED } from '../catalog/subband-files.ts';
import { type CatalogDatabase, rowsOf } from '../catalog/statement.ts';
import type { FileSignature } from '../domain/file-signature.ts';

export interface KnownFile {
  path: string;
  signature: FileSignature;
  status: FileStatus;
}

const knownRow = z.object({ path: z.string(), inode: z.string(), bytes: z.int(), mtime_ms: z.number(), status: z.enum(FILE_STATUSES) });

/** Each file below `directory` that had a final verdict when it was last looked at. */
export function knownFiles(database: CatalogDatabase, directory: string): KnownFile[] {
  return rowsOf(
    database,
    knownRow,
    `SELECT l.root || '/' || f.path AS path, f.inode, f.bytes, f.mtime_ms, f.status
     FROM subband_files f JOIN storage_locations l ON l.name = f.location
     WHERE f.reason IS NOT :replaced AND f.status NOT IN ('settling', 'missing')
       AND (f.status <> 'invalid' OR f.reason NOT LIKE 'Unreadable:%')
       AND substr(l.root || '/' || f.path, 1, length(:prefix)) = :prefix`,
    { prefix: `${directory}/`, replaced: REPLACED },
  ).map(({ path, inode, bytes, mtime_ms: mtimeMs, status }) => ({ path, signature: { inode, bytes, mtimeMs }, status }));
}

/** Groups that began within `withinMs` of a moment and still take files. */
export function openGroupsNear(database: CatalogDatabase, mjd: number, withinDays: number): string[] {
  return rowsOf(
    database,
    z.object({ group_id: z.string() }),
    `SELECT g.group_id FROM groups g JOIN group_states s ON s.state = g.state
     WHERE s.is_open = 1 AND g.header_t0_mjd BETWEEN :low AND :high`,
    { low: mjd - withinDays, high: mjd + withinDays },
  ).map((row) => row.group_id);
}
