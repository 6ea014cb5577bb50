/**
 * A night of groups with faults, drawn from a seed: what becomes of each raw file, how the science of a group fails, and from
 * both what each group must end as. Pure; the truth that the end of a night is held against.
 */
import { SAME_DAY_HOURS } from '../../src/catalog/calibration-choice.ts';
import { unixMsToJd } from '../../src/domain/utc.ts';
import { INTEGRATION_S } from '../ingest/tiny-uvh5.ts';
import { SeededRandom } from './random.ts';

/** A group of 24 integrations, start to start. */
const CADENCE_S = 309.237;
const FIRST_START_MS = Date.parse('2025-10-02T00:05:18Z');
const SUBBANDS = Array.from({ length: 16 }, (_, subband) => subband);

/** What the file is refused with, for those that never become data. */
export const REFUSED_AS = {
  truncated: ['Truncated', 'NotHdf5', 'BadShape', 'MissingDataset'],
  empty: ['EmptyFile'],
  garbled: ['NotHdf5', 'Truncated'],
  'wrong-slot': ['BadFrequencies'],
  'stale-clock': ['ImplausibleClock'],
  'old-year': ['BadTimes'],
  'marked-corrupt': ['MarkedCorrupt'],
} as const satisfies Record<string, readonly string[]>;
export type Refused = keyof typeof REFUSED_AS;

/** Never there, or there under a header of another pointing: lost to its group without a verdict. */
const WITHOUT_VERDICT = ['absent', 'other-pointing'] as const;
/** There in the end, by a way round. */
const RECOVERED = ['late', 'half-written', 'renamed-later', 'copied-twice', 'newer-version', 'replaced', 'repaired'] as const;

export type FileFate = 'whole' | Refused | (typeof WITHOUT_VERDICT)[number] | (typeof RECOVERED)[number];
const LOSSES: readonly FileFate[] = [
  'truncated',
  'empty',
  'garbled',
  'wrong-slot',
  'stale-clock',
  'old-year',
  'marked-corrupt',
  ...WITHOUT_VERDICT,
];

export const lostFiles = (plan: PlannedGroup): number => plan.fates.filter((fate) => LOSSES.includes(fate)).length;

export const isRefused = (fate: FileFate): fate is Refused => fate in REFUSED_AS;

/** Science programs that a group of this night runs, in the order they run. */
const CONVERSION = ['concat', 'validate'] as const;
const PROGRAMS = [...CONVERSION, 'flag', 'calibrate', 'image', 'photometry'] as const;

export interface PlannedGroup {
  index: number;
  /** `YYYY-MM-DDTHH:MM:SS` of its first sample: its id, unless a stray file of another pointing came first. */
  startText: string;
  t0Jd: number;
  fates: FileFate[];
  /** The program that fails: once (tried again by itself) or until an operator has mended the cause. */
  science: { program: (typeof PROGRAMS)[number]; until: 'next try' | 'mended' } | null;
  /** What an operator does when it parks for want of subbands. */
  operator: 'accepts' | 'cancels';
  ends: 'done' | 'degraded' | 'skipped';
}

/** Below this many of 16 a group parks (`collecting.minimum`). */
export const MINIMUM_SUBBANDS = 14;

/** `converts`: groups end with their Measurement Set, nothing after it is run. */
export function planNight(options: { groups: number; seed: number; converts?: boolean }): PlannedGroup[] {
  const random = new SeededRandom(options.seed);
  // The first is the calibrator transit that the others are calibrated with: it is spared.
  return Array.from({ length: options.groups }, (_, index) => planGroup(index, index === 0 ? null : random, options.converts === true));
}

function planGroup(index: number, random: SeededRandom | null, converts: boolean): PlannedGroup {
  const startMs = FIRST_START_MS + Math.round(index * CADENCE_S) * 1000;
  const fates: FileFate[] = SUBBANDS.map(() => 'whole');
  const times = { index, startText: new Date(startMs).toISOString().slice(0, 19), t0Jd: unixMsToJd(startMs + (INTEGRATION_S * 1000) / 2) };
  if (random === null) return { ...times, fates, science: null, operator: 'accepts', ends: 'done' };

  const lost = random.chance(0.35) ? (random.chance(0.2) ? random.whole(3, 9) : random.whole(1, 2)) : 0;
  const recovered = random.chance(0.35) ? random.whole(1, 16 - MINIMUM_SUBBANDS) : 0;
  const places = random.some(SUBBANDS, lost + recovered);
  // One stray at most: a second of the same pointing would found no second group.
  places.slice(0, lost).forEach((subband, nth) => {
    fates[subband] = random.one(nth === 0 ? LOSSES : LOSSES.filter((fate) => fate !== 'other-pointing'));
  });
  for (const subband of places.slice(lost)) fates[subband] = random.one(RECOVERED);
  const operator = random.chance(0.5) ? 'accepts' : 'cancels';
  const science = random.chance(0.12)
    ? ({ program: random.one(converts ? CONVERSION : PROGRAMS), until: random.one(['next try', 'mended'] as const) } as const)
    : null;
  return { ...times, fates, science, operator, ends: endOf(lost, operator, !converts && index * CADENCE_S > SAME_DAY_HOURS * 3600) };
}

/** `borrows`: the one transit of the night serves groups of later days, too, which then say so. */
function endOf(lost: number, operator: PlannedGroup['operator'], borrows: boolean): PlannedGroup['ends'] {
  if (lost === 0) return borrows ? 'degraded' : 'done';
  return 16 - lost >= MINIMUM_SUBBANDS || operator === 'accepts' ? 'degraded' : 'skipped';
}

/** Radians: the strip of the night, which is the one quick-science.ts solves for, and that of the strays in it. */
export const NIGHT_DEC_RAD = 0.8814;
export const STRAY_DEC_RAD = 0.65;

/** Every group that must have a ledger row in the end: the planned ones, and one for each stray file of another pointing. */
export interface ExpectedGroup {
  plan: PlannedGroup;
  isStray: boolean;
  ends: PlannedGroup['ends'];
}

export const expectedGroups = (night: readonly PlannedGroup[]): ExpectedGroup[] =>
  night.flatMap((plan) => [
    { plan, isStray: false, ends: plan.ends },
    // One file of 16 is no observation: it parks and an operator puts it away.
    ...(plan.fates.includes('other-pointing') ? [{ plan, isStray: true, ends: 'skipped' as const }] : []),
  ]);

/** `T0 in ms/pointing`: how a row of the database is recognised, whatever id it was given. */
export const keyOf = (t0Jd: number, isStray: boolean): string => `${Math.round((t0Jd - 2_440_587.5) * 86_400)}${isStray ? ' stray' : ''}`;
