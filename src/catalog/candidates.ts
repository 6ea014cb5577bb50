/**
 * Sources whose variability is worth a look, and what people said of them. Which sources are candidates follows from their
 * points, whatever the order they came in; one that a person has judged stays, whatever comes later. A source that blind finding
 * brought in is none until it is confirmed.
 */
import { z } from 'zod';
import { CANDIDATE_STATUSES, type CandidateStatus, ESE_PRESETS, ESE_SHAPES, type EsePreset, esePresetSchema } from '../domain/candidate.ts';
import { mayBeCandidate } from './found-sources.ts';
import { type CatalogDatabase, integer, rowOf, rowsOf, runSql, valuesOf } from './statement.ts';

export const candidateRow = z.object({
  id: z.int(),
  source_id: z.int(),
  preset: esePresetSchema,
  found_score: z.number(),
  found_at: z.string(),
  status: z.enum(CANDIDATE_STATUSES),
  note: z.string().nullable(),
  decided_by: z.string().nullable(),
  decided_at: z.string().nullable(),
});

/** What the verdict on a source needs. */
export interface Counted {
  points: number;
  score: number | null;
  modulation: number | null;
}

const isCandidate = ({ points, score, modulation }: Counted, preset: EsePreset): boolean => {
  const { minPoints, minScore, minModulation } = ESE_PRESETS[preset];
  return points >= minPoints && score !== null && score >= minScore && modulation !== null && modulation >= minModulation;
};

/** Settles source by source; reads the candidates once, as nearly no source is one. */
export function candidateUpdate(
  database: CatalogDatabase,
  preset: EsePreset,
  at: string,
): { settle(sourceId: number, counted: Counted | null): void } {
  const known = new Set(valuesOf(database, integer, 'SELECT source_id FROM candidates'));
  return {
    settle(sourceId, counted) {
      const should = counted !== null && isCandidate(counted, preset) && mayBeCandidate(database, sourceId);
      if (should === known.has(sourceId)) return;
      if (should) {
        runSql(
          database,
          `INSERT INTO candidates (source_id, preset, found_score, found_at, status) VALUES (:sourceId, :preset, :score, :at, 'new')`,
          { sourceId, preset, score: counted.score, at },
        );
      } else runSql(database, `DELETE FROM candidates WHERE source_id = :sourceId AND status = 'new'`, { sourceId });
    },
  };
}

const standingRow = z.object({ sourceId: z.int(), points: z.int(), score: z.number().nullable(), modulation: z.number().nullable() });

/** Holds every source against the preset: needed when it is another than before. */
export function settleCandidates(database: CatalogDatabase, preset: EsePreset, at: string): void {
  const update = candidateUpdate(database, preset, at);
  const standing = 'SELECT source_id AS sourceId, n AS points, ese_score AS score, two_epoch_m AS modulation FROM variability';
  for (const { sourceId, ...counted } of rowsOf(database, standingRow, standing)) update.settle(sourceId, counted);
}

/** With the figures as they are now. */
const candidateListingRow = candidateRow.extend({
  name: z.string(),
  ra_deg: z.number(),
  dec_deg: z.number(),
  n: z.int().nullable(),
  mean_flux_jy: z.number().nullable(),
  eta: z.number().nullable(),
  v: z.number().nullable(),
  leave_one_out_sigma: z.number().nullable(),
  two_epoch_vs: z.number().nullable(),
  two_epoch_m: z.number().nullable(),
  high_mjd: z.number().nullable(),
  low_mjd: z.number().nullable(),
  ese_score: z.number().nullable(),
  ese_shape: z.enum(ESE_SHAPES).nullable(),
});
export type CandidateListing = z.infer<typeof candidateListingRow>;

const LISTING = `SELECT c.*, s.name, s.ra_deg, s.dec_deg, v.n, v.mean_flux_jy, v.eta, v.v, v.leave_one_out_sigma, v.two_epoch_vs,
  v.two_epoch_m, v.high_mjd, v.low_mjd, v.ese_score, v.ese_shape
  FROM candidates c JOIN sources s ON s.id = c.source_id LEFT JOIN variability v ON v.source_id = c.source_id`;

/** Highest score first. */
export const listCandidates = (database: CatalogDatabase, status: CandidateStatus | null): CandidateListing[] =>
  rowsOf(
    database,
    candidateListingRow,
    `${LISTING} WHERE :status IS NULL OR c.status = :status ORDER BY v.ese_score DESC NULLS LAST, c.id`,
    {
      status,
    },
  );

export const candidateById = (database: CatalogDatabase, id: number): CandidateListing | null =>
  rowOf(database, candidateListingRow, `${LISTING} WHERE c.id = :id`, { id });

/** False when there is no such candidate. The caller writes the audit in the same transaction. */
export const decideCandidate = (
  database: CatalogDatabase,
  decision: { id: number; status: CandidateStatus; by: string; note: string; at: string },
): boolean =>
  runSql(database, 'UPDATE candidates SET status = :status, note = :note, decided_by = :by, decided_at = :at WHERE id = :id', decision)
    .changes > 0;
