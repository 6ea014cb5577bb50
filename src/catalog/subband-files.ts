/**
 * Every version of every raw file ever seen. Ingest decides what a file is (its status and reason); this keeps it. One row
 * of a path is the file as it is now; those that another file took the place of stay as `superseded` with the reason REPLACED.
 * A file that is still settling has one row however often it grows.
 */
import { z } from 'zod';
import type { SubbandArrival } from '../domain/arrival.ts';
import type { GroupId } from '../domain/group-id.ts';
import { groupIdSchema } from '../domain/group-id.ts';
import { appendEvent } from './events.ts';
import { type CatalogDatabase, inTransaction, integer, rowOf, rowsOf, runSql, valueOf } from './statement.ts';
import { absolutePathSql, type StoredPath, storedPath } from './storage-locations.ts';

export const FILE_STATUSES = ['settling', 'valid', 'invalid', 'duplicate', 'superseded', 'missing'] as const;
export type FileStatus = (typeof FILE_STATUSES)[number];

/** The one reason that is only given to versions that are no longer on disk under this name. */
export const REPLACED = 'a newer version of the same file';

/** `path` is absolute here; the table stores it relative to `location`. */
export const subbandFileRow = z.object({
  id: z.int(),
  location: z.string(),
  path: z.string(),
  subband: z.int().nullable(),
  group_id: groupIdSchema.nullable(),
  shown_with_group_id: groupIdSchema.nullable(),
  status: z.enum(FILE_STATUSES),
  reason: z.string().nullable(),
  bytes: z.int(),
  mtime_ms: z.number(),
  inode: z.string(),
  name_time_text: z.string().nullable(),
  header_t0_mjd: z.number().nullable(),
  dec_deg: z.number().nullable(),
  integrations: z.int().nullable(),
  header_digest: z.string().nullable(),
  grid_digest: z.string().nullable(),
  first_seen_at: z.string(),
  last_seen_at: z.string(),
  announced_at: z.string().nullable(),
});
export type SubbandFileRow = z.infer<typeof subbandFileRow>;

const COLUMNS = Object.keys(subbandFileRow.shape)
  .map((column) => (column === 'path' ? `${absolutePathSql('f', 'l')} AS path` : `f.${column}`))
  .join(', ');
const FROM = 'subband_files f JOIN storage_locations l ON l.name = f.location';

export interface SeenFile {
  path: string;
  subband: number | null;
  status: FileStatus;
  reason: string | null;
  bytes: number;
  mtimeMs: number;
  inode: string;
  groupId: GroupId | null;
  /** The open group it is shown with by its name, when its header tells none. */
  shownWithGroupId: GroupId | null;
  nameTimeText: string | null;
  headerT0Mjd: number | null;
  decDeg: number | null;
  integrations: number | null;
  headerDigest: string | null;
  gridDigest: string | null;
  /** RFC 3339 with Z. */
  seenAt: string;
}

/**
 * Records a look at a file. Same path, inode, size and time: the same version, its row is updated; `announced_at` is kept
 * unless another file had taken its place since. Otherwise a new version: the earlier row is superseded. Answers the row's id.
 */
export function upsertFile(database: CatalogDatabase, file: SeenFile): number {
  return inTransaction(database, () => {
    const stored = storedPath(database, file.path);
    const before = versionAt(database, stored);
    const { path: _absolute, seenAt, ...columns } = file;
    if (before?.status === 'settling') growInPlace(database, before, file);
    const { id } = idRow.parse(
      rowOf(
        database,
        idRow,
        `INSERT INTO subband_files (location, path, subband, group_id, shown_with_group_id, status, reason, bytes, mtime_ms, inode,
           name_time_text, header_t0_mjd, dec_deg, integrations, header_digest, grid_digest, first_seen_at, last_seen_at)
         VALUES (:location, :path, :subband, :groupId, :shownWithGroupId, :status, :reason, :bytes, :mtimeMs, :inode,
           :nameTimeText, :headerT0Mjd, :decDeg, :integrations, :headerDigest, :gridDigest, :seenAt, :seenAt)
         ON CONFLICT (location, path, inode, bytes, mtime_ms) DO UPDATE SET
           subband = excluded.subband, group_id = excluded.group_id, shown_with_group_id = excluded.shown_with_group_id,
           status = excluded.status, reason = excluded.reason, name_time_text = excluded.name_time_text,
           header_t0_mjd = excluded.header_t0_mjd, dec_deg = excluded.dec_deg, integrations = excluded.integrations,
           header_digest = excluded.header_digest, grid_digest = excluded.grid_digest, last_seen_at = excluded.last_seen_at,
           announced_at = CASE WHEN status IN ('superseded', 'duplicate') THEN NULL ELSE announced_at END
         RETURNING id`,
        { ...columns, ...stored, seenAt },
      ),
    );
    if (before !== null && before.id !== id) {
      runSql(database, `UPDATE subband_files SET status = 'superseded', reason = :reason WHERE id = :id`, {
        reason: REPLACED,
        id: before.id,
      });
    }
    tellArrival(database, file, before?.id === id ? before.status : null);
    return id;
  });
}

const idRow = z.object({ id: z.int() });

/** A file under way has no versions: its row follows it, unless it is again what an earlier row says. */
function growInPlace(database: CatalogDatabase, settling: SubbandFileRow, { inode, bytes, mtimeMs }: SeenFile): void {
  runSql(
    database,
    `UPDATE subband_files AS f SET inode = :inode, bytes = :bytes, mtime_ms = :mtimeMs
     WHERE f.id = :id AND NOT EXISTS (SELECT 1 FROM subband_files o WHERE o.location = f.location AND o.path = f.path
       AND o.inode = :inode AND o.bytes = :bytes AND o.mtime_ms = :mtimeMs)`,
    { id: settling.id, inode, bytes, mtimeMs },
  );
}

function tellArrival(database: CatalogDatabase, file: SeenFile, statusBefore: FileStatus | null): void {
  const groupId = file.groupId ?? file.shownWithGroupId;
  if (groupId === null || file.status === statusBefore) return;
  const payload = { group_id: groupId, subband: file.subband, status: file.status, reason: file.reason };
  appendEvent(database, { at: file.seenAt, topic: 'subband.arrived', groupId, payload });
}

/** Changes the verdict on the newest version of a file, e.g. `missing`, or `superseded` by a rival. */
export function markFile(database: CatalogDatabase, path: string, status: FileStatus, reason: string | null): void {
  inTransaction(database, () => {
    const file = fileByPath(database, path);
    if (file === null) throw new Error(`no file ${path} in the product database`);
    runSql(database, 'UPDATE subband_files SET status = :status, reason = :reason WHERE id = :id', { status, reason, id: file.id });
  });
}

/** The file at an absolute path as it is now. */
export const fileByPath = (database: CatalogDatabase, path: string): SubbandFileRow | null =>
  versionAt(database, storedPath(database, path));

/** Not simply the newest row: a file that was moved away and comes back is its old version again. */
const versionAt = (database: CatalogDatabase, stored: StoredPath): SubbandFileRow | null =>
  rowOf(
    database,
    subbandFileRow,
    `SELECT ${COLUMNS} FROM ${FROM} WHERE f.location = :location AND f.path = :path ORDER BY f.reason IS :replaced, f.id DESC LIMIT 1`,
    { ...stored, replaced: REPLACED },
  );

/** Valid members of a group, one a subband: the newest by its own modification time where two are valid. */
export function membersOf(database: CatalogDatabase, groupId: string): SubbandArrival[] {
  const valid = rowsOf(
    database,
    subbandFileRow,
    `SELECT ${COLUMNS} FROM ${FROM} WHERE f.group_id = :groupId AND f.status = 'valid' ORDER BY f.subband, f.mtime_ms DESC, f.id DESC`,
    { groupId },
  );
  return valid.filter((file, index) => index === 0 || file.subband !== valid[index - 1]?.subband).map(arrivalOf);
}

export function arrivalOf(file: SubbandFileRow): SubbandArrival {
  const { subband, integrations, header_digest: headerDigest, grid_digest: gridDigest } = file;
  if (subband === null || integrations === null || headerDigest === null || gridDigest === null) {
    throw new Error(`${file.path} is ${file.status} and cannot be a member`);
  }
  return { path: file.path, subband, bytes: file.bytes, mtimeMs: file.mtime_ms, inode: file.inode, headerDigest, gridDigest, integrations };
}

/** Everything known of a group's files, members or shown with it: what the arrival grid is drawn from. */
export const filesOfGroup = (database: CatalogDatabase, groupId: string): SubbandFileRow[] =>
  rowsOf(
    database,
    subbandFileRow,
    `SELECT ${COLUMNS} FROM ${FROM} WHERE f.group_id = :groupId
     UNION ALL SELECT ${COLUMNS} FROM ${FROM} WHERE f.shown_with_group_id = :groupId AND f.group_id IS NULL
     ORDER BY subband, id`,
    { groupId },
  );

export const countUnannounced = (database: CatalogDatabase): number =>
  valueOf(database, integer, `SELECT COUNT(*) FROM subband_files WHERE status = 'valid' AND announced_at IS NULL`) ?? 0;

/** A page of the valid members whose workflow has not been told yet, oldest first. */
export const unannounced = (database: CatalogDatabase, page: { afterId: number; limit: number }): SubbandFileRow[] =>
  rowsOf(
    database,
    subbandFileRow,
    `SELECT ${COLUMNS} FROM ${FROM} WHERE f.status = 'valid' AND f.announced_at IS NULL AND f.id > :afterId ORDER BY f.id LIMIT :limit`,
    page,
  );

export function markAnnounced(database: CatalogDatabase, fileId: number, at: string): void {
  runSql(database, 'UPDATE subband_files SET announced_at = :at WHERE id = :fileId', { fileId, at });
}
