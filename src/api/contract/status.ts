/** GET /status: the whole of page Now in one answer. Figures that were not measured are null, never 0. */
import { z } from 'zod';
import { groupStateSchema } from '../../domain/group-state.ts';
import { imageSchema } from './image.ts';
import { instantSchema } from './instant.ts';

const LEDGER_OUTCOMES = ['pending', 'done', 'degraded', 'skipped', 'missing'] as const;

export const publicStatusSchema = z.strictObject({
  service: z.literal('contimg'),
  version: z.string(),
  state: z.enum(['ok', 'degraded']),
});

export const statusSchema = publicStatusSchema.extend({
  uptime_seconds: z.number(),
  time: z.strictObject({ utc: instantSchema, mjd: z.number(), lst_hours: z.number() }),
  queue: z.record(groupStateSchema, z.int()),
  /** Group length over busy slot-seconds a group, median of the last 12: above 1 the pipeline keeps up. */
  realtime_factor: z.number().nullable(),
  /** From the arrival of the last subband to the end of the line, of the newest completed group. */
  lag_s: z.number().nullable(),
  oldest_pending_s: z.number().nullable(),
  needs_attention: z.int(),
  last_file_at: instantSchema.nullable(),
  /** This UTC day. */
  arrivals_last_hour: z.int(),
  completions_last_hour: z.int(),
  ledger_today: z.record(z.enum(LEDGER_OUTCOMES), z.int()),
  disk: z.array(z.strictObject({ path: z.string(), free_gb: z.number(), total_gb: z.number() })),
  calibration_age_h: z.number().nullable(),
  last_image: imageSchema.nullable(),
  temporal_ui_url: z.string(),
});
export type Status = z.infer<typeof statusSchema>;
