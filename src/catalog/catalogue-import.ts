/**
 * Takes a catalogue that `read_catalogue` has read into the product database, in one transaction: all of its sources, or
 * none. The same file again changes nothing; another one is the next version and supersedes the one before, whose rows stay.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import { z } from 'zod';
import { type CatalogueFormat, catalogueLineSchema, type ReadCatalogueResult } from '../domain/reference-catalogue.ts';
import { insertAudit } from './audit.ts';
import { type CatalogDatabase, inTransaction, jsonColumn, rowOf, rowsOf, runSql } from './statement.ts';

const BYTES_AT_ONCE = 1 << 20;

export const catalogueImportRow = z.object({
  id: z.int(),
  catalogue: z.string(),
  version: z.int(),
  status: z.enum(['current', 'superseded']),
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
export function importCatalogue(database: CatalogDatabase, order: CatalogueImport): { version: CatalogueImportRow; changed: boolean } {
  const { catalogue, format, fileName, read, at, by } = order;
  return inTransaction(database, () => {
    const current = currentImport(database, catalogue);
    if (current !== null && current.sha256 === read.sha256 && current.format === format) return { version: current, changed: false };
    runSql(database, `UPDATE catalogue_imports SET status = 'superseded' WHERE catalogue = :catalogue AND status = 'current'`, {
      catalogue,
    });
    const { lastInsertRowid } = runSql(
      database,
      `INSERT INTO catalogue_imports (catalogue, version, status, format, file_name, sha256, bytes, columns, sources, without_flux,
         left_out, left_out_because, frequency_hz, assumed_spectral_index, imported_at)
       SELECT :catalogue, coalesce(max(version), 0) + 1, 'current', :format, :fileName, :sha256, :bytes, :columns, :sources, :withoutFlux,
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
    const importId = Number(lastInsertRowid);
    let written = 0;
    for (const line of linesOf(read.sourcesFile)) {
      insertSource(database, importId, line);
      written += 1;
    }
    if (written !== read.sources) throw new Error(`${read.sourcesFile} holds ${written} sources, ${read.sources} were announced`);
    const version = currentImport(database, catalogue);
    if (version === null) throw new Error(`the import of ${catalogue} was not written`);
    const requestId = `catalogue/${catalogue}/${version.version}`;
    const detail = { version: version.version, sha256: read.sha256, sources: read.sources, supersedes: current?.version ?? null };
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
    return { version, changed: true };
  });
}

const currentImport = (database: CatalogDatabase, catalogue: string): CatalogueImportRow | null =>
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

/** The transaction cannot wait for a stream; a part of the file at a time is read instead. */
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
