/** What the mosaic program answers, and what is written of a mosaic: itself, every tile, every member left out with its reason. */
import { z } from 'zod';
import { type MosaicInput, type MosaicPlan, mosaicNameSchema } from './mosaic.ts';
import { mosaicTierSchema } from './mosaic-tier.ts';
import type { Measured } from './step-output.ts';

export const MOSAIC_FILE_KINDS = ['image', 'weight', 'noise', 'png', 'thumbnail'] as const;

const tileSchema = z.looseObject({ id: z.string(), name: z.string(), noiseJy: z.number(), weightSum: z.number() });

export const mosaicResultSchema = z.looseObject({
  files: z.record(z.enum(MOSAIC_FILE_KINDS), z.string()),
  tiles: z.array(tileSchema),
  leftOut: z.array(z.looseObject({ id: z.string(), name: z.string(), reason: z.string() })),
  added: z.int(),
  restartedBecause: z.string().nullable(),
  centreRaDeg: z.number(),
  centreDecDeg: z.number(),
  widthPx: z.int(),
  heightPx: z.int(),
  cellArcsec: z.number(),
  areaDeg2: z.number(),
  noiseJy: z.number(),
  bestNoiseJy: z.number(),
  beamMajorArcsec: z.number(),
  beamMinorArcsec: z.number(),
  beamPaDeg: z.number(),
  freqHz: z.number(),
  startMjd: z.number(),
  endMjd: z.number(),
  qa: z.looseObject({
    verdict: z.enum(['pass', 'warn', 'fail']),
    checks: z.array(z.looseObject({ name: z.string(), value: z.number(), limit: z.number(), passed: z.boolean() })),
  }),
  unchecked: z.array(z.string()),
  software: z.record(z.string(), z.string()).optional(),
  timingsS: z.record(z.string(), z.number()),
});
export type MosaicResult = z.infer<typeof mosaicResultSchema>;

export const mosaicRecordSchema = z.strictObject({
  name: mosaicNameSchema,
  kind: z.enum(['hour', 'named']),
  tier: mosaicTierSchema,
  decDeg: z.number(),
  startMjd: z.number(),
  endMjd: z.number(),
  runId: z.string(),
  attempt: z.int(),
  path: z.string(),
  contentHash: z.string(),
  bytes: z.int(),
  parameters: z.record(z.string(), z.unknown()),
  members: z.array(z.strictObject({ groupId: z.string(), imageProductId: z.int() })),
  leftOut: z.array(z.strictObject({ groupId: z.string(), imageProductId: z.int().nullable(), reason: z.string() })),
  result: mosaicResultSchema,
});
export type MosaicRecord = z.infer<typeof mosaicRecordSchema>;

export interface MosaicOrder {
  /** Its group is the mosaic. */
  attempt: { groupId: string; runId: string; step: 'mosaic'; attempt: number };
  requestedAt: string;
  /** `YYYY-MM-DD`, the folder it is filed under. */
  date: string;
  plan: Pick<MosaicPlan, 'members' | 'covers' | 'halfTileDeg' | 'parameters'>;
}

/** Served on `host-<name>-science`. */
export interface MosaicScienceActivities {
  mosaic(order: MosaicOrder): Promise<Measured<{ result: MosaicResult; directory: string; contentHash: string; bytes: number }>>;
}

/** Served on `pipeline`. */
export interface MosaicProbeActivities {
  /** Tells the mosaic of the hour in which a finished group was observed; starts it if it is not running. */
  tellMosaic(observation: { groupId: string; decDeg: number; midMjd: number }): Promise<void>;
}

/** Served on `catalog`. */
export interface MosaicCatalogActivities {
  planMosaic(input: MosaicInput): Promise<MosaicPlan>;
  /** Answers the product's id; supersedes the mosaic of the same name made before. */
  recordMosaic(record: MosaicRecord): Promise<{ productId: number }>;
  /** Mosaics of hours that are to be made, or made again; none where the policy makes none. */
  mosaicsDue(): Promise<MosaicInput[]>;
}
