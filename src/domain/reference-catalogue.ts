/**
 * Catalogues of other telescopes: which formats are known, and what the program that reads one answers. Reference only: what
 * is monitored comes from `paths.catalogue` (sources), never from here.
 */
import { z } from 'zod';

export const CATALOGUE_FORMATS = ['vla', 'nvss', 'first', 'racs-low', 'racs-mid', 'vlass', 'csv'] as const;
export type CatalogueFormat = (typeof CATALOGUE_FORMATS)[number];

/** The format whose sources may calibrate when no built-in flux calibrator transits. */
export const CALIBRATOR_FORMAT: CatalogueFormat = 'vla';

export const catalogueNameSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'a catalogue name has small letters, digits, dots, dashes and underscores');

export const sha256Schema = z.string().regex(/^[0-9a-fA-F]{64}$/, 'a sha256 has 64 hexadecimal digits');

export const readCatalogueResultSchema = z.looseObject({
  sourcesFile: z.string(),
  sha256: sha256Schema,
  bytes: z.int(),
  columns: z.record(z.string(), z.string()),
  sources: z.int(),
  withoutFlux: z.int(),
  leftOut: z.int(),
  leftOutBecause: z.string().nullable(),
  frequencyHz: z.number(),
  assumedSpectralIndex: z.number().nullable(),
  timingsS: z.record(z.string(), z.number()),
});
export type ReadCatalogueResult = z.infer<typeof readCatalogueResultSchema>;

const jy = z.number().positive().nullable();

/** A line of the file that program writes: row, name, place, flux at 1.4 GHz, flux as catalogued, spectral index. */
export const catalogueLineSchema = z.tuple([z.int(), z.string(), z.number(), z.number(), jy, jy, z.number().nullable()]);
