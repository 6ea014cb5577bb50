/**
 * The flux scale of one image relative to the others: the median of what its reference sources measure over what they are
 * held against. Pure; src/catalog/flux-references.ts says what that is, src/catalog/image-scale.ts applies it.
 */
import { median } from '../domain/median.ts';

/** What makes a source a reference, and what a flux scale needs. */
export const FLUX_SCALE = {
  /** A source is held against the weighted mean of this many of its points, the earliest; of fewer until it has them. */
  referencePoints: 10,
  minReferencePoints: 3,
  /** Of the mean and of the point: a faint source says little and its ratio is skewed. */
  minSnr: 10,
  /** Scatter of the reference points beyond their errors, as a fraction. Flux scale errors are in it too, hence not less. */
  maxExcessFraction: 0.1,
  minReferences: 3,
  clipSigma: 3,
} as const;

export interface FluxRatio {
  ratio: number;
  error: number;
}

export interface FluxScale {
  scale: number;
  error: number;
  references: number;
}

/** MAD to standard deviation, and standard error of a median over that of a mean, both of a Gaussian. */
const SIGMA_PER_MAD = 1.4826;
const MEDIAN_PENALTY = Math.sqrt(Math.PI / 2);

/** Null with too few references. The order of the ratios does not matter. */
export function fluxScaleOf(ratios: readonly FluxRatio[]): FluxScale | null {
  if (ratios.length < FLUX_SCALE.minReferences) return null;
  const kept = clipped(ratios);
  if (kept.length < FLUX_SCALE.minReferences) return null;
  const { centre, spread } = centreAndSpread(kept);
  // Of few ratios the spread may come out near nothing by chance: never below what their errors allow.
  const typicalError = medianOf(kept.map(({ error }) => error));
  return { scale: centre, error: (MEDIAN_PENALTY * Math.max(spread, typicalError)) / Math.sqrt(kept.length), references: kept.length };
}

/** Once: what is left of a distribution after many clips is narrower than it was. */
function clipped(ratios: readonly FluxRatio[]): FluxRatio[] {
  const { centre, spread } = centreAndSpread(ratios);
  // A ratio within its own error is no outlier, however closely the others happen to agree.
  return ratios.filter(({ ratio, error }) => Math.abs(ratio - centre) <= FLUX_SCALE.clipSigma * Math.max(spread, error));
}

function centreAndSpread(ratios: readonly FluxRatio[]): { centre: number; spread: number } {
  const centre = medianOf(ratios.map(({ ratio }) => ratio));
  return { centre, spread: SIGMA_PER_MAD * medianOf(ratios.map(({ ratio }) => Math.abs(ratio - centre))) };
}

const medianOf = (values: readonly number[]): number => median(values) ?? Number.NaN;
