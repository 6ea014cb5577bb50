/** Candidates as the API gives them: the verdict of a person, and the figures as they are now. */
import { z } from 'zod';
import { CANDIDATE_STATUSES, ESE_SHAPES, esePresetSchema } from '../../domain/candidate.ts';
import { instantSchema } from './instant.ts';

const candidateSchema = z.strictObject({
  candidate_id: z.int(),
  source_id: z.int(),
  name: z.string(),
  ra_deg: z.number(),
  dec_deg: z.number(),
  status: z.enum(CANDIDATE_STATUSES),
  note: z.string().nullable(),
  decided_by: z.string().nullable(),
  decided_at: instantSchema.nullable(),
  found_at: instantSchema,
  found_score: z.number(),
  preset: esePresetSchema,
  n_points: z.int(),
  mean_flux_jy: z.number().nullable(),
  /** The score is the largest of its parts; `shape` says which. */
  ese_score: z.number().nullable(),
  ese_shape: z.enum(ESE_SHAPES).nullable(),
  eta: z.number().nullable(),
  v: z.number().nullable(),
  leave_one_out_sigma: z.number().nullable(),
  two_epoch_vs: z.number().nullable(),
  two_epoch_m: z.number().nullable(),
  /** When the two epochs were. */
  high_mjd: z.number().nullable(),
  low_mjd: z.number().nullable(),
});
export type Candidate = z.infer<typeof candidateSchema>;
export const candidateListSchema = z.strictObject({ items: z.array(candidateSchema), total: z.int() });
