/**
 * Rounds of self-calibration: what each answers, whether another one is worth its time, and which of them is imaged. Pure; the
 * workflow remembers the rounds, so that a round that was done is never done again.
 */
import { z } from 'zod';

const imageMeasureSchema = z.strictObject({
  noiseJy: z.number(),
  /** Over the catalogue; null with too few sources to compare. */
  fluxRatio: z.number().nullable(),
  fluxRatioError: z.number().nullable(),
});
export type ImageMeasure = z.infer<typeof imageMeasureSchema>;

export const selfCalResultSchema = z.looseObject({
  /** The set with the gains of this round, and of those before it, taken off. */
  ms: z.string(),
  round: z.int().min(1),
  phaseRmsDeg: z.number(),
  amplitudeRms: z.number(),
  /** Of the set as it was calibrated. */
  before: imageMeasureSchema,
  after: imageMeasureSchema,
  /** Its image is better than that of the calibrated set, noise and flux scale. */
  kept: z.boolean(),
  reason: z.string(),
  timingsS: z.record(z.string(), z.number()),
});
export type SelfCalResult = z.infer<typeof selfCalResultSchema>;

/** A round that made the image no better than the one before has nothing more to find. */
export function goesOn(rounds: readonly SelfCalResult[], wanted: number): boolean {
  if (rounds.length >= wanted) return false;
  const last = rounds.at(-1);
  if (last === undefined) return true;
  const earlier = rounds.at(-2)?.after ?? last.before;
  return last.after.noiseJy < earlier.noiseJy;
}

/** The round with the least noise among those that are better than no self-calibration; null: none is. */
export const bestRound = (rounds: readonly SelfCalResult[]): SelfCalResult | null =>
  rounds
    .filter(({ kept }) => kept)
    .reduce<SelfCalResult | null>((best, round) => (best === null || round.after.noiseJy < best.after.noiseJy ? round : best), null);

export function noteOfRounds(rounds: readonly SelfCalResult[]): string {
  const best = bestRound(rounds);
  if (best !== null) return `self-calibration: round ${best.round} of ${rounds.length} is imaged: ${best.reason}`;
  return `self-calibration: not kept after round ${rounds.length}: ${rounds.at(-1)?.reason ?? 'no round was done'}`;
}
