/**
 * How strongly a light curve looks like an extreme scattering event or a flare, as one number in standard deviations. The
 * largest of three parts: the highest point, the lowest point, and scatter throughout. Pure.
 */
import type { ESE_SHAPES } from '../domain/candidate.ts';

export interface Deviation {
  sigma: number;
  offJy: number;
}

export interface EseScore {
  score: number;
  /** Which part it is of: one epoch high, one low, or all of them. */
  shape: (typeof ESE_SHAPES)[number];
}

/**
 * Two corrections keep the score honest. The highest of N points is higher for a larger N: of its significance remains what
 * is left after N trials (2 ln N less in σ², the leading term of dividing a Gaussian tail by N). And a deviation smaller than
 * `outlierFraction`, or scatter below `excessFraction`, of the mean counts in proportion: at high signal to noise a flux
 * scale that is off by a few per cent is significant and means nothing.
 */
export function eseScoreOf(
  found: { points: number; rise: Deviation; dip: Deviation; scatter: Deviation },
  levelJy: number,
  enough: { outlierFraction: number; excessFraction: number },
): EseScore {
  const outlier = ({ sigma, offJy }: Deviation): number =>
    Math.sqrt(Math.max(0, sigma * sigma - 2 * Math.log(found.points))) * share(offJy, enough.outlierFraction * levelJy);
  const parts: EseScore[] = [
    { shape: 'rise', score: outlier(found.rise) },
    { shape: 'dip', score: outlier(found.dip) },
    { shape: 'scatter', score: Math.max(0, found.scatter.sigma) * share(found.scatter.offJy, enough.excessFraction * levelJy) },
  ];
  return parts.reduce((best, part) => (part.score > best.score * (1 + TIE) ? part : best));
}

/** Of two points the one deviates as much as the other, but for rounding. */
const TIE = 1e-9;

const share = (amount: number, whole: number): number => (whole > 0 ? Math.min(1, amount / whole) : 1);
