/**
 * Reads a catalogue of monitored sources (CSV with a header line: name, ra_deg, dec_deg and, where known, flux_jy and
 * spectral_index; other columns are ignored) into the product database. All or nothing; the same file again changes nothing.
 */
import { z } from 'zod';
import { StepError } from '../domain/failure.ts';
import { type SourceEntry, upsertSource } from './sources.ts';
import { type CatalogDatabase, inTransaction } from './statement.ts';

const optionalNumber = z
  .string()
  .optional()
  .transform((text) => (text === undefined || text.trim() === '' ? null : Number(text)))
  .pipe(z.number().nullable());

const requiredNumber = z
  .string()
  .refine((text) => text.trim() !== '', 'is empty')
  .transform(Number);

const catalogueLine = z
  .object({
    name: z.string().trim().min(1),
    ra_deg: requiredNumber.pipe(z.number().min(0).lt(360)),
    dec_deg: requiredNumber.pipe(z.number().min(-90).max(90)),
    flux_jy: optionalNumber,
    spectral_index: optionalNumber,
  })
  .transform(
    (line): SourceEntry => ({
      name: line.name,
      raDeg: line.ra_deg,
      decDeg: line.dec_deg,
      fluxJy: line.flux_jy,
      spectralIndex: line.spectral_index,
    }),
  );

export function importSources(
  database: CatalogDatabase,
  catalogue: { name: string; csv: string; at: string },
): { sources: number; changed: number } {
  const sources = parseCatalogue(catalogue.name, catalogue.csv);
  const changed = inTransaction(
    database,
    () => sources.filter((source) => upsertSource(database, source, catalogue.name, catalogue.at)).length,
  );
  return { sources: sources.length, changed };
}

function parseCatalogue(name: string, csv: string): SourceEntry[] {
  const [header = [], ...lines] = csv
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .map((text, index) => ({ text, number: index + 1 }))
    .filter(({ text }) => text.trim() !== '' && !text.startsWith('#'))
    .map((line) => Object.assign(splitLine(line.text), { number: line.number }));
  const seen = new Set<string>();
  return lines.map((cells) => {
    const parsed = catalogueLine.safeParse(Object.fromEntries(header.map((column, index) => [column.trim(), cells[index]])));
    if (!parsed.success) throw badLine(name, cells.number, z.prettifyError(parsed.error));
    if (seen.has(parsed.data.name)) throw badLine(name, cells.number, `${parsed.data.name} is there twice`);
    seen.add(parsed.data.name);
    return parsed.data;
  });
}

/** Cells of one line; a cell in double quotes may hold commas, and two double quotes for one. */
const splitLine = (line: string): string[] =>
  Array.from(`,${line}`.matchAll(/,(?:"((?:[^"]|"")*)"|([^,]*))/g), ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? '');

const badLine = (name: string, line: number, message: string): StepError =>
  new StepError({
    type: 'BadInput',
    code: 'BadCatalogue',
    message: `catalogue ${name}, line ${line}: ${message}`,
    remedy: 'Correct the line; nothing of the file was imported.',
    sideEffects: 'none',
  });
