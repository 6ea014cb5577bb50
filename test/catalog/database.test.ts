/** Opening the product database: migrations, who may write, and what is refused. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { CatalogUnavailable, openForReading, openForWriting } from '../../src/catalog/database.ts';
import { migrate, readMigrations, schemaVersionOf } from '../../src/catalog/migrate.ts';
import { WriterLocked } from '../../src/catalog/writer-lock.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'catalog-open-'));
  path = join(folder, 'db', 'pipeline.sqlite3');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const create = (): void => openForWriting(path, { role: 'catalog' }).close();

const openedSchema = (): unknown => {
  const { database, close } = openForWriting(path, { role: 'catalog' });
  const rows = database.prepare('SELECT name, sql FROM sqlite_schema ORDER BY name').all();
  expect(schemaVersionOf(database)).toBe(readMigrations().length);
  close();
  return rows;
};

test('an empty file becomes the newest schema, and opening again changes nothing', () => {
  const first = openedSchema();
  expect(openedSchema()).toEqual(first);
  expect(readdirSync(join(folder, 'db'))).not.toContain('backups');
});

test('every ordinary table is STRICT', () => {
  create();
  const database = openForReading(path);
  const loose = database
    .prepare(`SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND strict = 0 AND name NOT LIKE 'sqlite_%'`)
    .all();
  database.close();
  expect(loose).toEqual([]);
});

test('it runs in WAL with foreign keys and waits 30 s for another writer', () => {
  const { database, close } = openForWriting(path, { role: 'catalog' });
  expect(['journal_mode', 'foreign_keys', 'busy_timeout'].map((name) => database.pragma(name, { simple: true }))).toEqual([
    'wal',
    1,
    30_000,
  ]);
  close();
});

test('a database with data is copied, and the copy checked, before it is migrated', () => {
  create();
  const database = new Database(path);
  database.exec(`INSERT INTO storage_locations VALUES ('output', '/data')`);
  const next = { version: readMigrations().length + 1, name: 'next', sql: 'CREATE TABLE extra (id INTEGER PRIMARY KEY) STRICT' };
  const { applied, backupPath } = migrate(database, join(folder, 'backups'), [...readMigrations(), next]);
  database.close();
  expect(applied).toEqual([next.version]);
  const copy = new Database(backupPath ?? '', { readonly: true });
  expect(copy.prepare(`SELECT root FROM storage_locations WHERE name = 'output'`).get()).toEqual({ root: '/data' });
  expect(schemaVersionOf(copy)).toBe(next.version - 1);
  copy.close();
});

test('a migration that fails leaves the version before it', () => {
  create();
  const database = new Database(path);
  const version = schemaVersionOf(database);
  const broken = { version: version + 1, name: 'broken', sql: 'CREATE TABLE extra (id INTEGER) STRICT; SELECT * FROM nowhere;' };
  expect(() => migrate(database, join(folder, 'backups'), [...readMigrations(), broken])).toThrow('nowhere');
  expect(schemaVersionOf(database)).toBe(version);
  expect(database.prepare(`SELECT name FROM sqlite_schema WHERE name = 'extra'`).get()).toBeUndefined();
  database.close();
});

test('a database from a newer version is refused for reading and for writing', () => {
  create();
  const database = new Database(path);
  database.pragma('user_version = 999');
  database.close();
  expect(() => openForReading(path)).toThrow(/schema 999/);
  expect(() => openForWriting(path, { role: 'catalog' })).toThrow(/schema 999/);
});

test('reading names the remedy where there is no database, and never writes', () => {
  expect(() => openForReading(path)).toThrow(CatalogUnavailable);
  create();
  const database = openForReading(path);
  expect(() => database.exec(`INSERT INTO storage_locations VALUES ('x', '/x')`)).toThrow(/readonly/);
  database.close();
});

test('the two roles may write side by side, one holder each', () => {
  const catalog = openForWriting(path, { role: 'catalog' });
  const watch = openForWriting(path, { role: 'watch' });
  expect(() => openForWriting(path, { role: 'watch' })).toThrow(WriterLocked);
  watch.close();
  openForWriting(path, { role: 'watch' }).close();
  catalog.close();
});

/** Another process that opens the database, says so, and holds it until it ends. */
async function holder(role: string): Promise<{ pid: number; kill(signal: NodeJS.Signals): Promise<void> }> {
  const module = new URL('../../src/catalog/database.ts', import.meta.url);
  const script = `import { openForWriting } from ${JSON.stringify(module.href)};
    openForWriting(${JSON.stringify(path)}, { role: ${JSON.stringify(role)} });
    process.stdout.write('open'); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
  });
  await once(child.stdout, 'data');
  return {
    pid: child.pid ?? 0,
    kill: async (signal) => {
      child.kill(signal);
      await once(child, 'exit');
    },
  };
}

test('a second writer is refused with the pid of the first, whose death by kill -9 frees the role', async () => {
  const other = await holder('catalog');
  const refused = (): void => openForWriting(path, { role: 'catalog' }).close();
  try {
    expect(refused).toThrow(WriterLocked);
    expect(refused).toThrow(`process ${other.pid}`);
  } finally {
    await other.kill('SIGKILL');
  }
  openForWriting(path, { role: 'catalog' }).close();
}, 30_000);
