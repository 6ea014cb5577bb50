/**
 * What a writer does right after opening: names the storage locations of its settings, and imports the catalogue of
 * monitored sources they name. Done at every start; where nothing changed, it changes nothing.
 */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { Settings } from '../config/settings.ts';
import { importSources } from './source-import.ts';
import type { CatalogDatabase } from './statement.ts';
import { setStorageLocations } from './storage-locations.ts';

/** Answers how many sources the catalogue holds and how many rows it changed; null without a catalogue. */
export function applySettings(
  database: CatalogDatabase,
  { paths }: { paths: Pick<Settings['paths'], 'input' | 'output' | 'scratch' | 'catalogue'> },
  at: string,
): { sources: number; changed: number } | null {
  const { input, output, scratch, catalogue } = paths;
  setStorageLocations(database, { input, output, scratch });
  if (catalogue === undefined) return null;
  return importSources(database, { name: basename(catalogue), csv: readFileSync(catalogue, 'utf8'), at });
}
