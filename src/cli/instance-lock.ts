/**
 * One `contimg up` a state folder: a kernel lock that ends with its holder however the holder ends. A second instance is
 * refused with the first one's pid.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { EXIT } from './exit-codes.ts';
import { CommandError } from './problem.ts';

export function lockInstance(stateFolder: string): { release(): void } {
  const folder = join(stateFolder, 'run');
  mkdirSync(folder, { recursive: true });
  const pidFile = join(folder, 'up.pid');
  // Node has no file locks; an SQLite file's exclusive transaction is one on every platform.
  const lock = new Database(join(folder, 'up.lock'), { timeout: 0 });
  try {
    lock.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    if (!(error instanceof Database.SqliteError) || !error.code.startsWith('SQLITE_BUSY')) throw error;
    const pid = readFileSync(pidFile, 'utf8').trim();
    throw new CommandError(EXIT.conflict, {
      code: 'already_running',
      detail: `another instance runs on ${stateFolder}: process ${pid}`,
      remedy: `stop it first (kill ${pid}), or use another --state-dir`,
    });
  }
  writeFileSync(pidFile, `${process.pid}\n`);
  return {
    release: () => {
      if (!lock.open) return;
      lock.exec('ROLLBACK');
      lock.close();
    },
  };
}
