/**
 * What a group's data lack, as (subband, integrations): which members never came and which are shorter than the group. Pure;
 * one wording for headers of images, light-curve points and screens.
 */
import type { DegradedReason } from './group-state.ts';
import type { ConcatResult } from './science-result.ts';
import { subbandLabel } from './subband.ts';

export interface Lacking {
  /** Subbands of which the group has nothing. */
  subbands: number[];
  /** Subbands that are there and lack these integrations (counted from 0). */
  short: { subband: number; integrations: number[] }[];
}

export function lackingIn({ missing, subbandsPresent }: Pick<ConcatResult, 'missing' | 'subbandsPresent'>): Lacking {
  const isPresent = (subband: number): boolean => subbandsPresent.includes(subband);
  return {
    subbands: missing.map(({ subband }) => subband).filter((subband) => !isPresent(subband)),
    short: missing.filter(({ subband, integrations }) => isPresent(subband) && integrations.length > 0),
  };
}

/** Why products of such data are degraded, as rows say it. */
export const reasonsOf = ({ subbands, short }: Lacking): DegradedReason[] => [
  ...(subbands.length > 0 ? (['subbands_missing'] as const) : []),
  ...(short.length > 0 ? (['integrations_missing'] as const) : []),
];

/** Whether a file of a group of so many integrations brings some that its set lacks. */
export const fillsGap = (
  { subbands, short }: Lacking,
  file: { subband: number; integrations: number },
  groupIntegrations: number,
): boolean =>
  subbands.includes(file.subband) ||
  short.some(({ subband, integrations }) => subband === file.subband && file.integrations > groupIntegrations - integrations.length);

/** One entry a subband: `sb15 is missing`, `sb03 lacks integrations 0-2, 23`. */
export const describeLacking = ({ subbands, short }: Lacking): string[] => [
  ...subbands.map((subband) => `${subbandLabel(subband)} is missing`),
  ...short.map(({ subband, integrations }) => `${subbandLabel(subband)} lacks integrations ${rangesOf(integrations)}`),
];

/** Both, as manifests and headers of images carry them. */
export const degradationBy = (lacking: Lacking): string[] => [...reasonsOf(lacking), ...describeLacking(lacking)];

function rangesOf(numbers: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const number of numbers.toSorted((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last !== undefined && number === last[1] + 1) last[1] = number;
    else ranges.push([number, number]);
  }
  return ranges.map(([first, last]) => (first === last ? String(first) : `${first}-${last}`)).join(', ');
}
