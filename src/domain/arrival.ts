/**
 * One admitted subband file: what ingest knows after reading its header, and what the group workflow is told.
 */
import { z } from 'zod';

export const subbandArrivalSchema = z.strictObject({
  path: z.string(),
  subband: z.int().min(0).max(15),
  bytes: z.int().positive(),
  mtimeMs: z.number(),
  inode: z.string(),
  /** SHA-256 of the header's content (times, grid, frequencies, pointing): equal for two copies of one file. */
  headerDigest: z.string(),
  /** SHA-256 of what all members must share: times, baselines, products, site, positions. */
  gridDigest: z.string(),
  integrations: z.int().positive(),
});
export type SubbandArrival = z.infer<typeof subbandArrivalSchema>;

/** What decides membership: same |Δt0| < half an integration and |ΔDec| ≤ 1e-7 rad. */
export const groupKeySchema = z.strictObject({
  /** Middle of the first integration, Julian date UTC. */
  t0Jd: z.number(),
  /** Apparent declination of the meridian pointing. */
  decRad: z.number(),
  integrationS: z.number().positive(),
  integrations: z.int().positive(),
});
export type GroupKey = z.infer<typeof groupKeySchema>;
