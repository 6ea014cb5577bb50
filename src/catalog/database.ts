/**
 * Opens the product database: read-only for everyone, for writing once a role. Opening for writing migrates and brings
 * the tables that mirror src/domain up to date. A database newer than this code is never touched.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { GROUP_STATES, GROUP_TRANSITIONS, isOpen, seedState } from '../domain/group-state.ts';
import { migrate, readMigrations, schemaVersionOf } from './migrate.ts';
import { type CatalogDatabase, inTransaction, runSql } from './statement.ts';
import { type WriterRole, takeLock } from './writer-lock.ts';

export type { CatalogDatabase } from './statement.ts';

/** Longest wait for another process's transaction; ours take milliseconds. */
const BUSY_TIMEOUT_MS = 30_000;
/** A migration that another process runs is waited for this long. */
const MIGRATION_WAIT_MS = 120_000;

// One image touches pages all over a database of years: with SQLite's own limits it spills them while it writes, and waits
// for the disk at nearly every commit. The watcher adds one small row after another.
const CACHE_KIB: Readonly<Record<WriterRole, number>> = { catalog: 64 * 1024, import: 64 * 1024, watch: 8 * 1024 };
/** 32 MiB of log, four to ten images. */
const CHECKPOINT_PAGES = 8192;

export class CatalogUnavailable extends Error {
  override readonly name: string = 'CatalogUnavailable';
  readonly remedy: string;
  constructor(message: string, remedy: string) {
    super(message);
    this.remedy = remedy;
  }
}

/** The next writer mends it. */
export class OlderSchema extends CatalogUnavailable {
  override readonly name = 'OlderSchema';
  constructor(path: string) {
    super(`${path} has an older schema than this version reads`, 'Start the worker: it brings the schema up to date, after a backup.');
  }
}

export function openForReading(path: string): CatalogDatabase {
  if (!existsSync(path)) {
    throw new CatalogUnavailable(`there is no product database at ${path}`, 'Start `contimg up` once, or name the file with PIPELINE_DB.');
  }
  const database = new Database(path, { readonly: true, timeout: BUSY_TIMEOUT_MS });
  try {
    refuseNewer(database, path);
    if (schemaVersionOf(database) < newestVersion()) throw new OlderSchema(path);
    database.pragma('query_only = ON');
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Asks one question of a database that is opened for it and closed after it. */
export function asking<Answer>(open: () => CatalogDatabase, question: (database: CatalogDatabase) => Answer): Answer {
  const database = open();
  try {
    return question(database);
  } finally {
    database.close();
  }
}

export interface WritableCatalog {
  database: CatalogDatabase;
  /** Closes the database and frees the role. */
  close: () => void;
}

export function openForWriting(path: string, options: { role: WriterRole; backupFolder?: string }): WritableCatalog {
  mkdirSync(dirname(path), { recursive: true });
  const lock = takeLock(path, options.role, 0);
  try {
    const database = new Database(path, { timeout: BUSY_TIMEOUT_MS });
    const close = (): void => {
      database.close();
      lock.release();
    };
    try {
      prepare(database, path, CACHE_KIB[options.role], options.backupFolder ?? join(dirname(path), 'backups'));
    } catch (error) {
      database.close();
      throw error;
    }
    return { database, close };
  } catch (error) {
    lock.release();
    throw error;
  }
}

function prepare(database: CatalogDatabase, path: string, cacheKib: number, backupFolder: string): void {
  refuseNewer(database, path);
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = NORMAL');
  database.pragma('foreign_keys = ON');
  database.pragma(`cache_size = -${cacheKib}`);
  database.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
  const migrating = takeLock(path, 'migration', MIGRATION_WAIT_MS);
  try {
    migrate(database, backupFolder);
    mirrorGroupStates(database);
  } finally {
    migrating.release();
  }
}

const newestVersion = (): number => readMigrations().length;

function refuseNewer(database: CatalogDatabase, path: string): void {
  const version = schemaVersionOf(database);
  if (version > newestVersion()) {
    throw new CatalogUnavailable(
      `${path} has schema ${version}; this version knows up to ${newestVersion()}`,
      'Run the newer version of contimg, or restore the backup taken before its migration.',
    );
  }
}

/** States and legal moves are data of src/domain; the trigger and the views read them from these tables. */
function mirrorGroupStates(database: CatalogDatabase): void {
  inTransaction(database, () => {
    runSql(database, 'DELETE FROM group_states');
    runSql(database, 'DELETE FROM group_transitions');
    for (const state of GROUP_STATES) {
      runSql(database, 'INSERT INTO group_states (state, seed_state, is_open) VALUES (:state, :seedState, :isOpen)', {
        state,
        seedState: seedState(state),
        isOpen: isOpen(state) ? 1 : 0,
      });
      for (const next of GROUP_TRANSITIONS[state]) {
        runSql(database, 'INSERT INTO group_transitions (from_state, to_state) VALUES (:state, :next)', { state, next });
      }
    }
  });
}
