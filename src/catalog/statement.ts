/**
 * Prepared statements and typed rows. A row has the names of its columns (snake_case), parsed by the schema of its noun:
 * a column that does not hold what the schema says is an error here, not a wrong number later.
 */
import type Database from 'better-sqlite3';
import { z } from 'zod';

export type CatalogDatabase = Database.Database;
export type SqlValue = string | number | null;
export type SqlParameters = Readonly<Record<string, SqlValue>>;

const statementsByDatabase = new WeakMap<CatalogDatabase, Map<string, Database.Statement<[SqlParameters]>>>();

/** Prepares each text once a connection. Parameters are named (`:groupId`). */
function prepared(database: CatalogDatabase, sql: string): Database.Statement<[SqlParameters]> {
  const statements = statementsByDatabase.get(database) ?? new Map<string, Database.Statement<[SqlParameters]>>();
  statementsByDatabase.set(database, statements);
  const known = statements.get(sql);
  if (known !== undefined) return known;
  const statement = database.prepare<[SqlParameters]>(sql);
  statements.set(sql, statement);
  return statement;
}

export function rowsOf<Row>(database: CatalogDatabase, schema: z.ZodType<Row>, sql: string, parameters: SqlParameters = {}): Row[] {
  return prepared(database, sql)
    .all(parameters)
    .map((row) => schema.parse(row));
}

export function rowOf<Row>(database: CatalogDatabase, schema: z.ZodType<Row>, sql: string, parameters: SqlParameters = {}): Row | null {
  const row = prepared(database, sql).get(parameters);
  return row === undefined ? null : schema.parse(row);
}

/** The first column of every row, e.g. ids. */
export const valuesOf = <Value>(
  database: CatalogDatabase,
  schema: z.ZodType<Value>,
  sql: string,
  parameters: SqlParameters = {},
): Value[] =>
  prepared(database, sql)
    .all(parameters)
    .map((row) => schema.parse(firstColumn(row)));

/** The first column of the first row; null also when there is no row. */
export function valueOf<Value>(
  database: CatalogDatabase,
  schema: z.ZodType<Value>,
  sql: string,
  parameters: SqlParameters = {},
): Value | null {
  const value = firstColumn(prepared(database, sql).get(parameters));
  return value === null ? null : schema.parse(value);
}

const firstColumn = (row: unknown): unknown => (typeof row === 'object' && row !== null ? (Object.values(row)[0] ?? null) : null);

/** A schema is compiled when it is first used: what is used in a loop is made once. */
export const integer = z.int();

/** Ids as one parameter: `IN (SELECT value FROM json_each(:ids))`. */
export const idsJson = (ids: Iterable<number>): string => JSON.stringify([...ids]);

export function runSql(
  database: CatalogDatabase,
  sql: string,
  parameters: SqlParameters = {},
): { changes: number; lastInsertRowid: number | bigint } {
  return prepared(database, sql).run(parameters);
}

/** Runs `work` in one transaction that takes the write lock first, so that it never fails half-way for being a reader. */
export function inTransaction<Result>(database: CatalogDatabase, work: () => Result): Result {
  return database.inTransaction ? work() : database.transaction(work).immediate();
}

/** A TEXT column that holds JSON. */
export const jsonColumn = <Value>(schema: z.ZodType<Value>): z.ZodType<Value> =>
  z
    .string()
    .transform((text): unknown => JSON.parse(text))
    .pipe(schema);

/** An INTEGER column that holds 0 or 1. */
export const booleanColumn = z
  .int()
  .min(0)
  .max(1)
  .transform((value) => value === 1);

const sqliteError = z.object({ code: z.string().startsWith('SQLITE_') });

/** SQLite's name of an error, e.g. `SQLITE_BUSY`; null for anything else that was thrown. */
export function sqliteCode(error: unknown): string | null {
  const parsed = sqliteError.safeParse(error);
  return parsed.success ? parsed.data.code : null;
}
