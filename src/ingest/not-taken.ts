/**
 * Raw files that are on disk and not members of any group, with the reason on record and what a person can do: what
 * `contimg watch --once` ends with. Reads the product database only.
 */
import { z } from 'zod';
import { type CatalogDatabase, rowsOf } from '../catalog/statement.ts';
import { remedyOfReason } from './rejection.ts';

const notTakenRow = z.object({ path: z.string(), status: z.enum(['settling', 'invalid']), reason: z.string() });
export type NotTaken = z.infer<typeof notTakenRow> & { remedy: string | null };

/** The newest version of each file below `directory` that was refused, or that still may be half-written. */
export const filesNotTaken = (database: CatalogDatabase, directory: string): NotTaken[] =>
  rowsOf(
    database,
    notTakenRow,
    `SELECT l.root || '/' || f.path AS path, f.status, f.reason
     FROM subband_files f JOIN storage_locations l ON l.name = f.location
     WHERE f.id IN (SELECT MAX(id) FROM subband_files GROUP BY location, path) AND f.status IN ('settling', 'invalid')
       AND substr(l.root || '/' || f.path, 1, length(:prefix)) = :prefix
     ORDER BY 1`,
    { prefix: `${directory}/` },
  ).map((row) => ({ ...row, remedy: remedyOfReason(row.reason) }));
