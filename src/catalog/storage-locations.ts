/**
 * Named roots that paths are stored relative to, so that a moved disk is one UPDATE. Writers split an absolute path by the
 * longest root that holds it; readers join it again. A path under no named root lies under `filesystem`, whose root is ''.
 */
import { isAbsolute, normalize } from 'node:path';
import { z } from 'zod';
import { type CatalogDatabase, inTransaction, rowsOf, runSql } from './statement.ts';

export const storageLocationRow = z.object({ name: z.string(), root: z.string() });
export type StorageLocation = z.infer<typeof storageLocationRow>;

export interface StoredPath {
  location: string;
  path: string;
}

/** SQL for the absolute path of table alias `file` joined with `storage_locations` as `location`. */
export const absolutePathSql = (file: string, location: string): string => `${location}.root || '/' || ${file}.path`;

export const listStorageLocations = (database: CatalogDatabase): StorageLocation[] =>
  rowsOf(database, storageLocationRow, 'SELECT name, root FROM storage_locations ORDER BY name');

/** Tables with the columns `location` and `path`. */
const TABLES_WITH_PATHS = ['subband_files', 'products', 'caltables', 'image_files', 'canary_runs', 'mosaic_files'] as const;

/**
 * Names roots, e.g. `{ output: '/data/ms' }`. A name that has another root now has moved, and its rows with it; a name that
 * is new takes over the rows that lie under its root.
 */
export function setStorageLocations(database: CatalogDatabase, roots: Readonly<Record<string, string>>): void {
  inTransaction(database, () => {
    const known = new Set(listStorageLocations(database).map(({ name }) => name));
    for (const [name, path] of Object.entries(roots)) {
      const root = withoutTrailingSlash(requireAbsolute(path));
      runSql(
        database,
        `INSERT INTO storage_locations (name, root) VALUES (:name, :root)
         ON CONFLICT (name) DO UPDATE SET root = excluded.root WHERE root <> excluded.root`,
        { name, root },
      );
      if (!known.has(name)) takeOver(database, name, root);
    }
  });
}

function takeOver(database: CatalogDatabase, name: string, root: string): void {
  for (const table of TABLES_WITH_PATHS) {
    runSql(
      database,
      `UPDATE ${table} SET location = :name, path = substr(l.root || '/' || ${table}.path, length(:root) + 2)
       FROM storage_locations l
       WHERE l.name = ${table}.location AND length(l.root) < length(:root)
         AND substr(l.root || '/' || ${table}.path, 1, length(:root) + 1) = :root || '/'`,
      { name, root },
    );
  }
}

export function storedPath(database: CatalogDatabase, absolutePath: string): StoredPath {
  const path = withoutTrailingSlash(requireAbsolute(absolutePath));
  const holder = listStorageLocations(database)
    .filter(({ root }) => path.startsWith(`${root}/`))
    .sort((one, other) => other.root.length - one.root.length)[0];
  if (holder === undefined) throw new Error(`no storage location holds ${absolutePath}`);
  return { location: holder.name, path: path.slice(holder.root.length + 1) };
}

function requireAbsolute(path: string): string {
  if (!isAbsolute(path)) throw new Error(`not an absolute path: ${path}`);
  return normalize(path);
}

const withoutTrailingSlash = (path: string): string => path.replace(/\/+$/, '');
