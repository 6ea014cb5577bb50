/** Sources and their light curves as the API gives them. */
import { z } from 'zod';
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
  is_variable: z.boolean(),
});
export const sourceListSchema = listOf(sourceSchema);

const lightCurvePointSchema = z.strictObject({
  measurement_id: z.int(),
  at: z.string(),
  mjd: z.number(),
  flux_jy: z.number(),
  error_jy: z.number(),
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
