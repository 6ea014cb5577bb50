/** Images as the API gives them. */
import { z } from 'zod';
import { degradedReasonSchema } from '../../domain/group-state.ts';
import { instantSchema } from './instant.ts';
import { listOf } from './listing.ts';

export const imageSchema = z.strictObject({
  image_id: z.int(),
  group_id: z.string(),
  status: z.string(),
  created_at: instantSchema,
  mid_mjd: z.number(),
  beam_major_arcsec: z.number(),
  beam_minor_arcsec: z.number(),
  beam_pa_deg: z.number(),
  noise_jy: z.number(),
  peak_jy: z.number(),
  dynamic_range: z.number(),
  centre_ra_deg: z.number(),
  centre_dec_deg: z.number(),
  width_px: z.int(),
  cell_arcsec: z.number(),
  freq_hz: z.number(),
  bandwidth_hz: z.number(),
  qa_verdict: z.enum(['pass', 'warn', 'fail']),
  degraded_reasons: z.array(degradedReasonSchema),
  png_url: z.string(),
});
export type ImageRow = z.infer<typeof imageSchema>;
export const imageListSchema = listOf(imageSchema);
