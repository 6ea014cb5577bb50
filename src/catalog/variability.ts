/**
 * How much a source varies, from sums over its points: adding a point costs the same however long the light curve is, and
 * the order of adding does not matter. Pure; src/catalog/source-variability.ts keeps the sums.
 *
 * With weights w = 1/σ², N points x and weighted mean m = Σwx/Σw:
 *   η       Σw(x−m)²/(N−1): the reduced χ² of a steady source (Swinbank et al. 2015, eq. 3)
 *   V       sample standard deviation over mean (ibid., eq. 1)
 *   excess  √(variance − mean σ²) over mean: V without what the errors explain
 * and the leave-one-out deviation of a point, |x − m'|/√(σ² + σ'²) with m' ± σ' the weighted mean of all the others. Unlike
 * max|x − m|/std, which never exceeds (N−1)/√N, it has no ceiling, so that one flare in three points is seen.
 * Of the two points that stand out most, upwards and downwards, the two-epoch indices of Mooley et al. (2016, eq. 1 and 2):
 *   Vs      (x₁−x₂)/√(σ₁²+σ₂²)        m   2(x₁−x₂)/(x₁+x₂)
 */
import { z } from 'zod';
import { type Deviation, type EseScore, eseScoreOf } from './ese-score.ts';

/**
 * The verdict, in full. A source is variable when it has `minPoints` points and either varies throughout (η improbable at
 * `chi2Significance` and excess scatter of `excessFraction`) or has one point that stands out (by `leaveOneOutSigma` and by
 * `outlierFraction` of the mean). Five sigma leaves 1e-4 false ones among 200 steady sources; the fractions keep a few per cent
 * of flux scale error, which bright sources measure at high significance, from counting as variability.
 */
export const VARIABILITY_THRESHOLDS = {
  minPoints: 3,
  chi2Significance: 5,
  excessFraction: 0.1,
  leaveOneOutSigma: 5,
  outlierFraction: 0.3,
} as const;

export interface FluxPoint {
  mjd: number;
  fluxJy: number;
  errorJy: number;
}

export const fluxSumsSchema = z.object({
  n: z.int().min(1),
  sum_w: z.number(),
  sum_wx: z.number(),
  sum_wxx: z.number(),
  sum_x: z.number(),
  sum_xx: z.number(),
  sum_ee: z.number(),
  min_flux_jy: z.number(),
  max_flux_jy: z.number(),
  /** The point whose flux less k errors is highest (k = leaveOneOutSigma). */
  high_flux_jy: z.number(),
  high_error_jy: z.number(),
  high_mjd: z.number(),
  /** The point whose flux plus k errors is lowest. */
  low_flux_jy: z.number(),
  low_error_jy: z.number(),
  low_mjd: z.number(),
  first_mjd: z.number(),
  last_mjd: z.number(),
});
export type FluxSums = z.infer<typeof fluxSumsSchema>;

export function sumsOfPoint({ mjd, fluxJy, errorJy }: FluxPoint): FluxSums {
  const weight = 1 / (errorJy * errorJy);
  return {
    n: 1,
    sum_w: weight,
    sum_wx: weight * fluxJy,
    sum_wxx: weight * fluxJy * fluxJy,
    sum_x: fluxJy,
    sum_xx: fluxJy * fluxJy,
    sum_ee: errorJy * errorJy,
    min_flux_jy: fluxJy,
    max_flux_jy: fluxJy,
    high_flux_jy: fluxJy,
    high_error_jy: errorJy,
    high_mjd: mjd,
    low_flux_jy: fluxJy,
    low_error_jy: errorJy,
    low_mjd: mjd,
    first_mjd: mjd,
    last_mjd: mjd,
  };
}

/** Sums of two sets of points together; neither is changed. */
export function addSums(one: FluxSums, other: FluxSums): FluxSums {
  const high = standsHigher(one, other) ? one : other;
  const low = standsLower(one, other) ? one : other;
  return {
    n: one.n + other.n,
    sum_w: one.sum_w + other.sum_w,
    sum_wx: one.sum_wx + other.sum_wx,
    sum_wxx: one.sum_wxx + other.sum_wxx,
    sum_x: one.sum_x + other.sum_x,
    sum_xx: one.sum_xx + other.sum_xx,
    sum_ee: one.sum_ee + other.sum_ee,
    min_flux_jy: Math.min(one.min_flux_jy, other.min_flux_jy),
    max_flux_jy: Math.max(one.max_flux_jy, other.max_flux_jy),
    high_flux_jy: high.high_flux_jy,
    high_error_jy: high.high_error_jy,
    high_mjd: high.high_mjd,
    low_flux_jy: low.low_flux_jy,
    low_error_jy: low.low_error_jy,
    low_mjd: low.low_mjd,
    first_mjd: Math.min(one.first_mjd, other.first_mjd),
    last_mjd: Math.max(one.last_mjd, other.last_mjd),
  };
}

const K = VARIABILITY_THRESHOLDS.leaveOneOutSigma;

/**
 * Which point deviates most depends on the mean, which is not known while adding. But if any point lies more than k errors
 * above the final mean, so does the one with the highest flux − k·error; hence two points are enough to find every outlier
 * of k, and the deviation kept is the largest or, between two such outliers, a lower bound of it.
 */
const standsHigher = (one: FluxSums, other: FluxSums): boolean => standsOut(highest(one), highest(other));
const standsLower = (one: FluxSums, other: FluxSums): boolean => standsOut(lowest(one), lowest(other));

const highest = ({ high_flux_jy: flux, high_error_jy: error, high_mjd: mjd }: FluxSums): Extreme => ({
  bound: flux - K * error,
  error,
  flux,
  mjd,
});
const lowest = ({ low_flux_jy: flux, low_error_jy: error, low_mjd: mjd }: FluxSums): Extreme => ({
  bound: -flux - K * error,
  error,
  flux: -flux,
  mjd,
});

interface Extreme {
  bound: number;
  error: number;
  flux: number;
  mjd: number;
}

/** A total order, so that ties (also those that rounding makes) end the same way in any order of adding. */
function standsOut(one: Extreme, other: Extreme): boolean {
  if (one.bound !== other.bound) return one.bound > other.bound;
  if (one.error !== other.error) return one.error < other.error;
  if (one.flux !== other.flux) return one.flux > other.flux;
  return one.mjd <= other.mjd;
}

export interface Variability {
  meanFluxJy: number;
  meanErrorJy: number;
  /** Null with one point; also the reduced χ². */
  eta: number | null;
  /** Null with one point, or where the mean is below its own error: a fraction of nothing. */
  v: number | null;
  excessFraction: number | null;
  /** η in standard deviations of a steady source's. */
  chi2Significance: number | null;
  leaveOneOutSigma: number | null;
  /** Of the two points that stand out most; a lower bound for pairs that lie closer than K errors each. */
  twoEpochVs: number | null;
  /** Null also where the two together are below their error. */
  twoEpochM: number | null;
  ese: EseScore | null;
  isVariable: boolean;
}

export function variabilityOf(sums: FluxSums): Variability {
  const { n, sum_w, sum_wx, sum_wxx, sum_x, sum_xx, sum_ee } = sums;
  const meanFluxJy = sum_wx / sum_w;
  const common = { meanFluxJy, meanErrorJy: 1 / Math.sqrt(sum_w) };
  if (n < 2) {
    const none = { eta: null, v: null, excessFraction: null, chi2Significance: null, leaveOneOutSigma: null };
    return { ...common, ...none, twoEpochVs: null, twoEpochM: null, ese: null, isVariable: false };
  }
  // Rounding may leave a tiny negative where all points are equal.
  const eta = Math.max(0, sum_wxx - sum_wx * meanFluxJy) / (n - 1);
  const plainMean = sum_x / n;
  const measuredMean = plainMean > Math.sqrt(sum_ee) / n ? plainMean : null;
  const variance = Math.max(0, sum_xx - sum_x * plainMean) / (n - 1);
  const excessJy = Math.sqrt(Math.max(0, variance - sum_ee / n));
  const chi2Significance = chi2InSigmas(eta, n - 1);
  const rise = leaveOneOut(sums, sums.high_flux_jy, sums.high_error_jy);
  const dip = leaveOneOut(sums, sums.low_flux_jy, sums.low_error_jy);
  const outliers = [rise, dip];
  const { minPoints, excessFraction, leaveOneOutSigma, outlierFraction } = VARIABILITY_THRESHOLDS;
  const level = Math.abs(meanFluxJy);
  const throughout = chi2Significance >= VARIABILITY_THRESHOLDS.chi2Significance && excessJy >= excessFraction * level;
  const hasOutlier = outliers.some(({ sigma, offJy }) => sigma >= leaveOneOutSigma && offJy >= outlierFraction * level);
  return {
    ...common,
    eta,
    v: measuredMean === null ? null : Math.sqrt(variance) / measuredMean,
    excessFraction: measuredMean === null ? null : excessJy / measuredMean,
    chi2Significance,
    leaveOneOutSigma: Math.max(rise.sigma, dip.sigma),
    ...twoEpoch(sums),
    ese: eseScoreOf({ points: n, rise, dip, scatter: { sigma: chi2Significance, offJy: excessJy } }, level, VARIABILITY_THRESHOLDS),
    isVariable: n >= minPoints && (throughout || hasOutlier),
  };
}

function twoEpoch(sums: FluxSums): { twoEpochVs: number; twoEpochM: number | null } {
  const differenceJy = sums.high_flux_jy - sums.low_flux_jy;
  const togetherJy = sums.high_flux_jy + sums.low_flux_jy;
  const errorJy = Math.hypot(sums.high_error_jy, sums.low_error_jy);
  return { twoEpochVs: differenceJy / errorJy, twoEpochM: togetherJy > errorJy ? (2 * differenceJy) / togetherJy : null };
}

/** One point against the weighted mean of all the others. */
function leaveOneOut({ sum_w, sum_wx }: FluxSums, fluxJy: number, errorJy: number): Deviation {
  const weight = 1 / (errorJy * errorJy);
  const otherWeight = sum_w - weight;
  const offJy = Math.abs(fluxJy - (sum_wx - weight * fluxJy) / otherWeight);
  return { sigma: offJy / Math.sqrt(errorJy * errorJy + 1 / otherWeight), offJy };
}

/** Cube root of χ²/ν is nearly normal (Wilson & Hilferty 1931): good to 0.1 σ from ν = 2. */
function chi2InSigmas(reducedChi2: number, degreesOfFreedom: number): number {
  const spread = 2 / (9 * degreesOfFreedom);
  return (Math.cbrt(reducedChi2) - (1 - spread)) / Math.sqrt(spread);
}
