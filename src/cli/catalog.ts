/**
 * `contimg catalog`: reference catalogues, kept with checksum and version. A program reads the file; this process writes the
 * rows, whether the pipeline runs or not. What is monitored is another matter: `paths.catalogue`.
 */
import { rmSync, statSync } from 'node:fs';
import { totalmem, userInfo } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { Command, Option } from 'commander';
import { type CatalogueImportRow, importCatalogue, listImports } from '../catalog/catalogue-import.ts';
import { openForWriting } from '../catalog/database.ts';
import { type SurveySource, surveySourcesOfStrip } from '../catalog/known-sky.ts';
import type { Settings } from '../config/settings.ts';
import { csvText } from '../domain/csv.ts';
import {
  CATALOGUE_FORMATS,
  type CatalogueFormat,
  catalogueNameSchema,
  type ReadCatalogueResult,
  readCatalogueResultSchema,
  sha256Schema,
} from '../domain/reference-catalogue.ts';
import { runScience } from '../runner/run-science.ts';
import { findSciencePython, scienceEnvironment } from '../runner/science-environment.ts';
import { withDatabase } from './group-views.ts';
import { addLocalOptions, localSettings, wantsJson } from './local-options.ts';
import { numberOf } from './number-option.ts';
import { createOutput, type Output, table } from './output.ts';
import { usageError } from './problem.ts';

/** Two million sources take a minute; a file system that hangs does not keep the command for ever. */
const READ_LIMIT_MS = 3_600_000;

export function catalogCommand(): Command {
  return new Command('catalog')
    .description('catalogues of other telescopes: calibrators and reference sources')
    .addCommand(importCommand())
    .addCommand(listCommand())
    .addCommand(exportCommand());
}

function importCommand(): Command {
  const command = new Command('import')
    .description('take a catalogue file into the product database; the same file again changes nothing')
    .argument('[name]', 'what to call it; a newer file of this name supersedes the older one')
    .argument('[file]', 'FITS table, VOTable, CSV with a header line, or the VLA calibrator list as text')
    .addOption(
      new Option('--format <format>', 'whose columns; default: the name, when it is a format').choices([...CATALOGUE_FORMATS, 'racs']),
    )
    .option('--verify <sha256>', 'refuse any other file than this one')
    .option('--list', 'what is there, instead', false)
    .addHelpText(
      'after',
      '\nExamples:\n  contimg catalog import vla calibrators.txt\n  contimg catalog import racs-low racs.fits --verify 9f86d0…\n\nExit codes: 0 done, 2 the file, 9 database, 10 subprocess, 14 another import runs, 64 usage',
    );
  return addLocalOptions(command).action(async (name: string | undefined, file: string | undefined, options) => {
    const output = createOutput(wantsJson(command));
    const settings = localSettings(command);
    if (options['list'] === true) return list(settings, output);
    if (name === undefined || file === undefined)
      throw usageError('catalog import takes a NAME and a FILE', 'for example: contimg catalog import vla calibrators.txt');
    const catalogue = catalogueNameSchema.safeParse(name);
    if (!catalogue.success) throw usageError(`"${name}" is no catalogue name`, 'use small letters, digits, dots, dashes and underscores');
    const sha256 = sha256Schema.optional().safeParse(options['verify']);
    if (!sha256.success) throw usageError('--verify takes 64 hexadecimal digits', 'sha256sum FILE prints them');
    const format = formatOf(options['format'] ?? name);
    const path = resolve(file);
    statSync(path);
    const { version, changed } = await take(settings, { catalogue: catalogue.data, format, path, sha256: sha256.data ?? null });
    output.result({ catalogue: version, changed }, inWords(version, changed));
  });
}

function formatOf(word: unknown): CatalogueFormat {
  if (word === 'racs')
    throw usageError('RACS is of two frequencies', 'say --format racs-low (887.5 MHz) or --format racs-mid (1367.5 MHz)');
  const format = CATALOGUE_FORMATS.find((known) => known === word);
  if (format === undefined) throw usageError(`"${String(word)}" is no format`, `say --format ${CATALOGUE_FORMATS.join(', ')}`);
  return format;
}

async function take(
  settings: Settings,
  order: { catalogue: string; format: CatalogueFormat; path: string; sha256: string | null },
): Promise<{ version: CatalogueImportRow; changed: boolean }> {
  const { catalogue, format, path } = order;
  const workDir = join(settings.paths.state, 'catalogues', `${Date.now()}-${process.pid}`);
  const read = await readFile(settings, order, workDir);
  const writer = openForWriting(settings.paths.database, { role: 'import' });
  try {
    const at = new Date().toISOString();
    return await importCatalogue(writer.database, { catalogue, format, fileName: basename(path), read, at, by: userInfo().username });
  } finally {
    writer.close();
    rmSync(workDir, { recursive: true });
  }
}

/** The request, log and capsule of a file that cannot be read stay in `workDir`. */
async function readFile(
  settings: Settings,
  { format, path, sha256 }: { format: CatalogueFormat; path: string; sha256: string | null },
  workDir: string,
): Promise<ReadCatalogueResult> {
  const python = findSciencePython(settings.paths.python);
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort(new Error(`stopped by ${signal}`)));
  const { result } = await runScience({
    step: 'read_catalogue',
    request: {
      groupId: 'catalogue',
      attemptId: `catalogue-${process.pid}`,
      requestedAt: new Date().toISOString(),
      workDir,
      threads: 1,
      inputs: { file: path, format, sha256 },
      parameters: {},
      outputs: { sources: join(workDir, 'sources.jsonl') },
    },
    resultSchema: readCatalogueResultSchema,
    python,
    env: scienceEnvironment({ python, threads: 1, numbaCacheFolder: join(settings.paths.state, 'numba'), workDir }),
    timeoutMs: READ_LIMIT_MS,
    signal: stopping.signal,
    onProgress: ({ message }) => void process.stderr.write(`${message}\n`),
    limits: { addressSpaceBytes: (settings.worker.memoryGb ?? totalmem() / 1e9) * 1e9 },
  });
  return result;
}

function listCommand(): Command {
  const command = new Command('list')
    .description('imported catalogues with their versions')
    .addHelpText('after', '\nExample:\n  contimg catalog list\n\nExit codes: 0 done, 9 database');
  return addLocalOptions(command).action(() => list(localSettings(command), createOutput(wantsJson(command))));
}

function list(settings: Settings, output: Output): void {
  const catalogues = withDatabase(settings.paths.database, listImports);
  const rows = catalogues.map((one) => [
    one.catalogue,
    String(one.version),
    one.status,
    one.format,
    String(one.sources),
    String(one.without_flux),
    String(one.left_out),
    scale(one),
    one.imported_at,
    `${one.sha256.slice(0, 12)}…  ${one.file_name}`,
  ]);
  const header = ['CATALOGUE', 'VERSION', 'STATUS', 'FORMAT', 'SOURCES', 'NO FLUX', 'LEFT OUT', 'MEASURED AT', 'IMPORTED', 'FILE'];
  output.result({ catalogues }, rows.length === 0 ? ['no catalogue was imported'] : table(header, rows));
}

const EXPORTED = {
  name: (row: SurveySource) => row.name,
  ra_deg: (row: SurveySource) => row.ra_deg,
  dec_deg: (row: SurveySource) => row.dec_deg,
  flux_jy: (row: SurveySource) => row.flux_jy,
  spectral_index: (row: SurveySource) => row.spectral_index,
};

function exportCommand(): Command {
  const command = new Command('export')
    .description('sources of an imported catalogue along a strip, as the CSV of monitored sources that paths.catalogue takes')
    .argument('<name>', 'an imported catalogue')
    .requiredOption('--dec <degrees>', 'declination of the strip')
    .option('--within <degrees>', 'north and south of it', '1.3')
    .option('--above <jy>', 'only as bright as this at 1.4 GHz', '0.02')
    .addHelpText(
      'after',
      '\nExample:\n  contimg catalog export nvss --dec 54 --above 0.05 > sources.csv\n\nExit codes: 0 done, 2 it was not imported, 9 database, 64 usage',
    );
  return addLocalOptions(command).action((name: string, options) => {
    const strip = {
      decDeg: numberOf('--dec', options['dec'], 54),
      withinDeg: numberOf('--within', options['within'], 1.3),
      aboveJy: numberOf('--above', options['above'], 0.02),
    };
    const sources = withDatabase(localSettings(command).paths.database, (database) => surveySourcesOfStrip(database, name, strip));
    createOutput(wantsJson(command)).result({ sources }, csvText(EXPORTED, sources).trimEnd().split('\n'));
  });
}

function inWords(version: CatalogueImportRow, changed: boolean): string[] {
  const { catalogue, sources, without_flux: without, left_out: leftOut, left_out_because: why } = version;
  return [
    `${catalogue} version ${version.version}: ${sources} sources, ${without} of them without a flux${leftOut === 0 ? '' : `; ${leftOut} left out: ${why}`}`,
    `sha256 ${version.sha256}  ${version.file_name}`,
    `fluxes: ${scale(version)}`,
    ...(changed ? [] : ['this file was there already: nothing changed']),
  ];
}

const scale = ({ frequency_hz: hz, assumed_spectral_index: index }: CatalogueImportRow): string =>
  `${(hz / 1e6).toFixed(1)} MHz${index === null ? '' : `, taken to 1.4 GHz with index ${index}`}`;
