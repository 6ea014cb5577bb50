/**
 * Mosaics: images of one declination strip, of one UTC hour with its neighbours or of any range, added up to one image. What they
 * are called, and what the workflow `mosaic` is given. Members are chosen by when the sky was
 * observed, never by when it was processed.
 */
import { z } from 'zod';
import { laneSchema } from './group-state.ts';
import { type MosaicParameters, mosaicTierSchema } from './mosaic-tier.ts';
import { groupPolicySchema } from './policy.ts';
import { isoFromUnixMs, mjdToUnixMs, unixMsToMjd } from './utc.ts';

const HOUR_MS = 3_600_000;

/** `+54.6`: the strip's declination to a tenth of a degree; pointings differ by more. */
export const stripLabel = (decDeg: number): string => `${decDeg < 0 ? '-' : '+'}${Math.abs(decDeg).toFixed(1).padStart(4, '0')}`;
/** Declinations this close to the strip's are of the strip. */
export const STRIP_HALF_WIDTH_DEG = 0.5;

/** `2025-10-02T11`, UTC, of an instant in it. */
const hourLabel = (unixMs: number): string => isoFromUnixMs(unixMs).slice(0, 13);

export const mosaicNameSchema = z
  .string()
  .regex(/^[A-Za-z0-9._-]{1,64}$/, 'a mosaic name has up to 64 letters, digits, dots, dashes and underscores');

/** Everything that decides is in here: nothing reads the configuration at replay. */
export const mosaicInputSchema = z.strictObject({
  schemaVersion: z.literal(1),
  name: mosaicNameSchema,
  /** `hour`: made of an hour by the clock and made again when its members change. `named`: made once, when a person asks. */
  kind: z.enum(['hour', 'named']),
  tier: mosaicTierSchema,
  decDeg: z.number(),
  /** Middles of the members' observations lie in `[startMjd, endMjd)`; neighbours outside. */
  startMjd: z.number(),
  endMjd: z.number(),
  /** Groups before and after the range that are taken too, at most so far from it. */
  neighbours: z.int().min(0).max(6),
  neighbourDays: z.number().min(0),
  /** After this time groups that are not finished are left out; 0: at once. */
  deadlineMs: z.int().min(0),
  recheckMs: z.int().min(1),
  pbCut: z.number().gt(0).lt(1),
  cellArcsec: z.number().positive().nullable(),
  lane: laneSchema,
  policy: groupPolicySchema,
});
export type MosaicInput = z.infer<typeof mosaicInputSchema>;

export const MOSAIC_WORKFLOWS = { mosaic: 'mosaic', sweep: 'mosaicSweep' } as const;
export const MOSAIC_SIGNALS = { memberFinished: 'memberFinished' } as const;

export interface StripHour {
  name: string;
  decDeg: number;
  startMjd: number;
  endMjd: number;
}

/** The hour's mosaic that an observation belongs to, by the middle of the observation. */
export function stripHourOf(observation: { decDeg: number; midMjd: number }): StripHour {
  const startMs = Math.floor(mjdToUnixMs(observation.midMjd) / HOUR_MS) * HOUR_MS;
  const strip = stripLabel(observation.decDeg);
  return {
    name: `${strip.replace('+', 'p').replace('-', 'm')}.${hourLabel(startMs)}`,
    decDeg: Number(strip),
    startMjd: unixMsToMjd(startMs),
    endMjd: unixMsToMjd(startMs + HOUR_MS),
  };
}

/** `mosaic/<dec>/<hour>`, or `mosaic/named/<name>`. */
export const workflowIdOfMosaic = ({ kind, name, decDeg, startMjd }: Pick<MosaicInput, 'kind' | 'name' | 'decDeg' | 'startMjd'>): string =>
  kind === 'named' ? `mosaic/named/${name}` : `mosaic/${stripLabel(decDeg)}/${hourLabel(Math.round(mjdToUnixMs(startMjd)))}`;

export interface SkyPlace {
  raDeg: number;
  decDeg: number;
}

export interface MosaicMember {
  imageProductId: number;
  groupId: string;
  contentHash: string;
  files: { image: string; beam: string; residual: string };
}

export interface LeftOutMember {
  groupId: string;
  imageProductId: number | null;
  reason: string;
}

export interface MosaicPlan {
  members: MosaicMember[];
  leftOut: LeftOutMember[];
  /** Groups that may still become members: being worked on, or to be made again. */
  open: string[];
  /** Centres of all that was converted, members or not: they decide the grid, so that one that comes later fits on it. */
  covers: SkyPlace[];
  halfTileDeg: number;
  parameters: MosaicParameters;
  /** The current mosaic of this name holds just these members, made so. */
  isMade: boolean;
}

/** Time limit of adding so many images up: several times what a full-size one takes on a slow disk. */
export const longestMs = (members: number): number => 120_000 + members * 20_000;

/** How a mosaic ended. */
export type MosaicOutcome =
  | { made: true; productId: number; path: string; tiles: number; leftOut: LeftOutMember[]; verdict: string }
  | { made: false; reason: string; leftOut: LeftOutMember[] };
