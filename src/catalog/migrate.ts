/**
 * Brings a database to the newest schema: the files of migrations/ in order, each in one transaction with its
 * user_version. Forward only; a database that holds data is copied, and the copy checked, before anything changes.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import Database from 'better-sqlite3';
import { z } from 'zod';
import type { CatalogDatabase } from './statement.ts';

interface Migration {
  version: number;
  name: string;
  sql: string;
}

const MIGRATIONS_FOLDER = new URL('migrations/', import.meta.url);
const FILE_NAME = /^(\d{3})-[a-z0-9-]+\.sql$/;

export function readMigrations(folder: URL = MIGRATIONS_FOLDER): Migration[] {
  const names = readdirSync(folder)
    .filter((name) => name.endsWith('.sql'))
    .sort();
  return names.map((name, index) => {
    const version = Number(FILE_NAME.exec(name)?.[1]);
    if (version !== index + 1) throw new Error(`migration ${name}: expected number ${index + 1}`);
    return { version, name, sql: readFileSync(new URL(name, folder), 'utf8') };
  });
}

export const schemaVersionOf = (database: CatalogDatabase): number => z.int().parse(database.pragma('user_version', { simple: true }));

/** Answers the versions applied and the backup taken, if one was needed. The caller holds the migration lock. */
export function migrate(
  database: CatalogDatabase,
  backupFolder: string,
  migrations: readonly Migration[] = readMigrations(),
): { applied: number[]; backupPath: string | null } {
  const from = schemaVersionOf(database);
  const due = migrations.filter((migration) => migration.version > from);
  if (due.length === 0) return { applied: [], backupPath: null };
  const backupPath = from === 0 ? null : backUp(database, backupFolder, from);
  for (const migration of due) {
    database
      .transaction(() => {
        database.exec(migration.sql);
        database.pragma(`user_version = ${migration.version}`);
      })
      .exclusive();
  }
  return { applied: due.map((migration) => migration.version), backupPath };
}

/** A consistent copy (VACUUM INTO reads one snapshot), under its final name only once its integrity is proven. */
function backUp(database: CatalogDatabase, folder: string, version: number): string {
  mkdirSync(folder, { recursive: true });
  const finalPath = join(folder, `${basename(database.name)}.before-migration-from-${version}`);
  const temporaryPath = `${finalPath}.tmp`;
  rmSync(temporaryPath, { force: true });
  database.prepare('VACUUM INTO ?').run(temporaryPath);
  const copy = new Database(temporaryPath, { readonly: true });
  try {
    const verdict = copy.pragma('integrity_check', { simple: true });
    if (verdict !== 'ok') throw new Error(`the backup before migrating is damaged (${String(verdict)}); nothing was changed`);
  } finally {
    copy.close();
  }
  renameSync(temporaryPath, finalPath);
  return finalPath;
}
