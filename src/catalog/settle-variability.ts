/**
 * What the writer does with variability when it starts: makes all of it from the measured points where there is none yet (after
 * a change of schema), and holds every source against the preset of now. Where nothing changed, it changes nothing.
 */
import { z } from 'zod';
import type { EsePreset } from '../domain/candidate.ts';
import { settleCandidates } from './candidates.ts';
import { updateReferences } from './flux-references.ts';
import { rescale } from './image-scale.ts';
import { recompute } from './source-variability.ts';
import { type CatalogDatabase, inTransaction, integer, rowsOf, valueOf, valuesOf } from './statement.ts';

const earliestRow = z.object({ source_id: z.int(), mjd: z.number() });

/** Answers of how many sources it was made again. Interrupted, it begins again: the sums are written last. */
export function settleVariability(database: CatalogDatabase, { preset, at }: { preset: EsePreset; at: string }): number {
  const isThere = valueOf(database, integer, 'SELECT 1 FROM variability LIMIT 1') !== null;
  const sources = isThere
    ? []
    : rowsOf(database, earliestRow, 'SELECT source_id, MIN(mjd) AS mjd FROM measurements WHERE counts = 1 GROUP BY source_id');
  if (sources.length > 0) {
    inTransaction(database, () => updateReferences(database, new Map(sources.map(({ source_id, mjd }) => [source_id, mjd]))));
    // One transaction an image: all in one would fill the log with every page many times over.
    for (const id of valuesOf(database, integer, 'SELECT id FROM measurement_batches WHERE superseded = 0 ORDER BY id')) {
      inTransaction(database, () => rescale(database, id));
    }
  }
  inTransaction(database, () => {
    for (const { source_id } of sources) recompute(database, source_id, at);
    settleCandidates(database, preset, at);
  });
  return sources.length;
}
