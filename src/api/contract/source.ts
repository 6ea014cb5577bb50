/** Sources and their light curves as the API gives them. */
import { z } from 'zod';
import { ESE_SHAPES } from '../../domain/candidate.ts';
import { standingSchema } from '../../domain/source-standing.ts';
import { listOf } from './listing.ts';

export const sourceSchema = z.strictObject({
  source_id: z.int(),
  name: z.string(),
  ra_deg: z.number(),
  dec_deg: z.number(),
  catalogue_flux_jy: z.number().nullable(),
  n_points: z.int(),
  mean_flux_jy: z.number().nullable(),
  first_mjd: z.number().nullable(),
  last_mjd: z.number().nullable(),
  /** Significance and modulation of variability; null with too few points. */
  eta: z.number().nullable(),
  v: z.number().nullable(),
  /** Of the point that stands out most from all others. */
  leave_one_out_sigma: z.number().nullable(),
  two_epoch_vs: z.number().nullable(),
  two_epoch_m: z.number().nullable(),
  ese_score: z.number().nullable(),
  ese_shape: z.enum(ESE_SHAPES).nullable(),
  is_variable: z.boolean(),
  standing: standingSchema.describe('of a catalogue, or found on an image and seen by one group only (unconfirmed) or by more'),
});
export const sourceListSchema = listOf(sourceSchema);

const lightCurvePointSchema = z.strictObject({
  measurement_id: z.int(),
  at: z.string(),
  mjd: z.number(),
  flux_jy: z.number(),
  error_jy: z.number(),
  /** On the flux scale that the images share; null where the image gave no scale. */
  normalised_flux_jy: z.number().nullable(),
  normalised_error_jy: z.number().nullable(),
  rms_jy: z.number(),
  snr: z.number(),
  kind: z.enum(['forced', 'blind']),
  flags: z.array(z.string()),
  image_id: z.int(),
  degraded: z.boolean(),
  superseded: z.boolean(),
});

export const lightCurveSchema = z.strictObject({
  source: sourceSchema,
  points: z.array(lightCurvePointSchema),
  /** Not detected: the flux is what was measured at the place, below the limit of the step. */
  upper_limits: z.array(lightCurvePointSchema),
});
