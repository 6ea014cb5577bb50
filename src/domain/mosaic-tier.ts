/** The tiers of mosaics: which images each takes, and why it takes no others; and the grid it adds them up on. */
import { z } from 'zod';

export const MOSAIC_TIERS = ['quicklook', 'science', 'deep'] as const;
export const mosaicTierSchema = z.enum(MOSAIC_TIERS);
export type MosaicTier = z.infer<typeof mosaicTierSchema>;

interface TierRule {
  /** Grid cells, in cells of the finest image. */
  coarsen: number;
  /** A cubic spline loses 0.06 % of a source's flux at 3.5 cells a beam, a quintic 0.002 %. */
  splineOrder: 3 | 5;
  takesDoubtful: boolean;
  takesDegraded: boolean;
}

/** Doubtful: the image's own quality checks warn of it. Degraded: data are missing, or its calibration is not of the day. */
const TIER_RULES: Readonly<Record<MosaicTier, TierRule>> = {
  quicklook: { coarsen: 2, splineOrder: 3, takesDoubtful: true, takesDegraded: true },
  science: { coarsen: 1, splineOrder: 3, takesDoubtful: false, takesDegraded: true },
  deep: { coarsen: 1, splineOrder: 5, takesDoubtful: false, takesDegraded: false },
};

/** What the science program is asked with, beside its files. */
export interface MosaicParameters {
  tier: MosaicTier;
  cellArcsec: number;
  splineOrder: 3 | 5;
  pbCut: number;
}

export interface JudgedImage {
  verdict: 'pass' | 'warn' | 'fail' | null;
  checks: readonly { name: string; passed: boolean }[];
  degradedReasons: readonly string[];
}

/** Why a tier does not take this image, in words; null: it takes it. */
export function reasonAgainst({ verdict, checks, degradedReasons }: JudgedImage, tier: MosaicTier): string | null {
  const { takesDoubtful, takesDegraded } = TIER_RULES[tier];
  const failed = checks
    .filter(({ passed }) => !passed)
    .map(({ name }) => name)
    .join(', ');
  if (verdict === 'fail') return `its image failed its checks: ${failed}`;
  if (verdict === 'warn' && !takesDoubtful) return `its image is doubtful (${failed}), which tier ${tier} does not take`;
  if (degradedReasons.length > 0 && !takesDegraded)
    return `it is degraded (${degradedReasons.join(', ')}), which tier ${tier} does not take`;
  return null;
}

/** Cells of images differ by parts of an arcsecond as their beams do: rounded down, so that a further image keeps the grid. */
export function mosaicParameters(
  { tier, cellArcsec, pbCut }: { tier: MosaicTier; cellArcsec: number | null; pbCut: number },
  cellsOfImagesArcsec: readonly number[],
): MosaicParameters {
  const { coarsen, splineOrder } = TIER_RULES[tier];
  const finest = Math.min(...cellsOfImagesArcsec);
  const rounded = finest < 0.1 || !Number.isFinite(finest) ? finest : Math.floor(finest * 10 + 1e-6) / 10;
  return { tier, cellArcsec: cellArcsec ?? coarsen * rounded, splineOrder, pbCut };
}
