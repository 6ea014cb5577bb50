/**
 * Takes a catalogue that `read_catalogue` has read into the product database: all of its sources, or none. Millions of rows in
 * one transaction would keep the pipeline from writing for half a minute, so they are written a few thousand at a time under
 * `loading`, which counts for nothing, and take effect together with the last. The same file again changes nothing; another one
 * is the next version and supersedes the one before, whose rows stay. The caller holds role `import`: no two run at once.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { type CatalogueFormat, catalogueLineSchema, type ReadCatalogueResult } from '../domain/reference-catalogue.ts';
import { insertAudit } from './audit.ts';
import { type CatalogDatabase, inTransaction, integer, jsonColumn, rowOf, rowsOf, runSql, valuesOf } from './statement.ts';

const BYTES_AT_ONCE = 1 << 20;
/** About 50 ms of the write lock. */
const ROWS_AT_ONCE = 5_000;

export const catalogueImportRow = z.object({
  id: z.int(),
  catalogue: z.string(),
  version: z.int(),
  status: z.enum(['loading', 'current', 'superseded']),
  format: z.string(),
  file_name: z.string(),
  sha256: z.string(),
  bytes: z.int(),
  columns: jsonColumn(z.record(z.string(), z.string())),
  sources: z.int(),
  without_flux: z.int(),
  left_out: z.int(),
  left_out_because: z.string().nullable(),
  frequency_hz: z.number(),
  assumed_spectral_index: z.number().nullable(),
  imported_at: z.string(),
});
export type CatalogueImportRow = z.infer<typeof catalogueImportRow>;

export interface CatalogueImport {
  catalogue: string;
  format: CatalogueFormat;
  fileName: string;
  read: ReadCatalogueResult;
  at: string;
  /** Who asked. */
  by: string;
}

/** Every import, newest version first. */
export const listImports = (database: CatalogDatabase): CatalogueImportRow[] =>
  rowsOf(database, catalogueImportRow, 'SELECT * FROM catalogue_imports ORDER BY catalogue, version DESC');

/** The version that counts, and whether this import made it. */
export async function importCatalogue(
  database: CatalogDatabase,
  order: CatalogueImport,
): Promise<{ version: CatalogueImportRow; changed: boolean }> {
  const { catalogue, format, read } = order;
  const current = currentImport(database, catalogue);
  if (current !== null && current.sha256 === read.sha256 && current.format === format) return { version: current, changed: false };
  await dropUnfinished(database);
  const importId = beginImport(database, order);
  try {
    let written = 0;
    for (const lines of inParts(linesOf(read.sourcesFile), ROWS_AT_ONCE)) {
      await withPause(() => inTransaction(database, () => lines.forEach((line) => insertSource(database, importId, line))));
      written += lines.length;
    }
    if (written !== read.sources) throw new Error(`${read.sourcesFile} holds ${written} sources, ${read.sources} were announced`);
  } catch (error) {
    await dropUnfinished(database);
    throw error;
  }
  return { version: finishImport(database, order, importId, current?.version ?? null), changed: true };
}

function beginImport(database: CatalogDatabase, { catalogue, format, fileName, read, at }: CatalogueImport): number {
  const { lastInsertRowid } = runSql(
    database,
    `INSERT INTO catalogue_imports (catalogue, version, status, format, file_name, sha256, bytes, columns, sources, without_flux,
       left_out, left_out_because, frequency_hz, assumed_spectral_index, imported_at)
     SELECT :catalogue, coalesce(max(version), 0) + 1, 'loading', :format, :fileName, :sha256, :bytes, :columns, :sources, :withoutFlux,
       :leftOut, :leftOutBecause, :frequencyHz, :assumedSpectralIndex, :at
     FROM catalogue_imports WHERE catalogue = :catalogue`,
    {
      catalogue,
      format,
      fileName,
      at,
      sha256: read.sha256,
      bytes: read.bytes,
      columns: JSON.stringify(read.columns),
      sources: read.sources,
      withoutFlux: read.withoutFlux,
      leftOut: read.leftOut,
      leftOutBecause: read.leftOutBecause,
      frequencyHz: read.frequencyHz,
      assumedSpectralIndex: read.assumedSpectralIndex,
    },
  );
  return Number(lastInsertRowid);
}

function finishImport(
  database: CatalogDatabase,
  { catalogue, fileName, read, at, by }: CatalogueImport,
  importId: number,
  supersedes: number | null,
): CatalogueImportRow {
  return inTransaction(database, () => {
    runSql(database, `UPDATE catalogue_imports SET status = 'superseded' WHERE catalogue = :catalogue AND status = 'current'`, {
      catalogue,
    });
    runSql(database, `UPDATE catalogue_imports SET status = 'current' WHERE id = :importId`, { importId });
    const version = currentImport(database, catalogue);
    if (version === null) throw new Error(`the import of ${catalogue} was not written`);
    const requestId = `catalogue/${catalogue}/${version.version}`;
    const detail = { version: version.version, sha256: read.sha256, sources: read.sources, supersedes };
    insertAudit(database, {
      actor: by,
      via: 'cli',
      verb: 'import',
      target: `catalogue/${catalogue}`,
      reason: fileName,
      detail,
      requestId,
      at,
    });
    return version;
  });
}

/** What an import left that failed or was killed. */
async function dropUnfinished(database: CatalogDatabase): Promise<void> {
  for (const importId of valuesOf(database, integer, `SELECT id FROM catalogue_imports WHERE status = 'loading'`)) {
    const dropPart = (): number =>
      runSql(
        database,
        `DELETE FROM catalogue_sources WHERE import_id = :importId
           AND row IN (SELECT row FROM catalogue_sources WHERE import_id = :importId LIMIT :rows)`,
        { importId, rows: ROWS_AT_ONCE },
      ).changes;
    while ((await withPause(dropPart)) > 0);
    runSql(database, 'DELETE FROM catalogue_imports WHERE id = :importId', { importId });
  }
}

/** Leaves the write lock for as long as it was held: who waits for it looks again at most every 100 ms. */
async function withPause<Result>(work: () => Result): Promise<Result> {
  const startedAt = performance.now();
  const result = work();
  await sleep(performance.now() - startedAt);
  return result;
}

/** The version of a catalogue that counts. */
export const currentImport = (database: CatalogDatabase, catalogue: string): CatalogueImportRow | null =>
  rowOf(database, catalogueImportRow, `SELECT * FROM catalogue_imports WHERE catalogue = :catalogue AND status = 'current'`, { catalogue });

function insertSource(database: CatalogDatabase, importId: number, line: string): void {
  const [row, name, raDeg, decDeg, fluxJy, cataloguedJy, spectralIndex] = catalogueLineSchema.parse(JSON.parse(line));
  runSql(
    database,
    `INSERT INTO catalogue_sources (import_id, row, name, ra_deg, dec_deg, flux_jy, catalogued_flux_jy, spectral_index)
     VALUES (:importId, :row, :name, :raDeg, :decDeg, :fluxJy, :cataloguedJy, :spectralIndex)`,
    { importId, row, name, raDeg, decDeg, fluxJy, cataloguedJy, spectralIndex },
  );
}

function* linesOf(path: string): Generator<string> {
  const file = openSync(path, 'r');
  try {
    const decoder = new StringDecoder('utf8');
    const bytes = Buffer.alloc(BYTES_AT_ONCE);
    let rest = '';
    for (let read = readSync(file, bytes); read > 0; read = readSync(file, bytes)) {
      const lines = (rest + decoder.write(bytes.subarray(0, read))).split('\n');
      rest = lines.pop() ?? '';
      yield* lines;
    }
    if (rest !== '') yield rest;
  } finally {
    closeSync(file);
  }
}

function* inParts<Item>(items: Iterable<Item>, size: number): Generator<Item[]> {
  let part: Item[] = [];
  for (const item of items) {
    part.push(item);
    if (part.length < size) continue;
    yield part;
    part = [];
  }
  if (part.length > 0) yield part;
}
