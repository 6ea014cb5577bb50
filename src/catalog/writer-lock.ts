/**
 * One writer of each role on a database: a lock of the operating system on a file beside it, so that it ends with its
 * holder however the holder ends. It promises to refuse a second holder naming the first one's pid. It never waits for,
 * signals or removes another holder.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import Database from 'better-sqlite3';
import { sqliteCode } from './statement.ts';

export type WriterRole = 'catalog' | 'watch' | 'import';

export class WriterLocked extends Error {
  override readonly name = 'WriterLocked';
  readonly holderPid: number | null;
  readonly remedy: string;
  constructor(databasePath: string, role: string, holderPid: number | null) {
    const holder = holderPid === null ? 'a process that is just starting' : `process ${holderPid}`;
    super(`${databasePath} already has a writer of role ${role}: ${holder}`);
    this.holderPid = holderPid;
    this.remedy =
      holderPid === null
        ? 'Try again in a second, or stop the other instance.'
        : `Stop that instance first (ps -fp ${holderPid} shows what it is), or use another database.`;
  }
}

/**
 * Locks through an SQLite file of its own: its exclusive transaction is a kernel lock on every platform SQLite knows,
 * and Node has no file locks. `waitMs` 0 refuses at once.
 */
export function takeLock(databasePath: string, role: WriterRole | 'migration', waitMs: number): { release(): void } {
  const pidPath = `${databasePath}.${role}.pid`;
  const lock = new Database(`${databasePath}.${role}.lock`, { timeout: waitMs });
  try {
    lock.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    if (sqliteCode(error)?.startsWith('SQLITE_BUSY') === true) throw new WriterLocked(databasePath, role, readPid(pidPath));
    throw error;
  }
  writeFileSync(pidPath, `${process.pid}\n`);
  return {
    release: () => {
      if (!lock.open) return;
      writeFileSync(pidPath, '');
      lock.exec('ROLLBACK');
      lock.close();
    },
  };
}

/** True while some process holds the role; asks by trying for an instant. */
export function isWriterHeld(databasePath: string, role: WriterRole): boolean {
  if (!existsSync(`${databasePath}.${role}.lock`)) return false;
  try {
    takeLock(databasePath, role, 0).release();
    return false;
  } catch (error) {
    if (error instanceof WriterLocked) return true;
    throw error;
  }
}

/** Null while the holder has the lock but has not written its pid yet. */
function readPid(path: string): number | null {
  if (!existsSync(path)) return null;
  const pid = Number.parseInt(readFileSync(path, 'utf8'), 10);
  return Number.isNaN(pid) ? null : pid;
}
