/**
 * What is tried, in which order, until a calibration set passes its gate: each calibrator of the group with each way of
 * flagging, the operator's own first. A try that was rejected is remembered with its reason. Pure: says what, never does it.
 */
import type { StepParameters } from './step-parameters.ts';

/** Code of the failure of a set that its quality gate rejected. */
export const CALIBRATION_GATE = 'CalibrationGate';

/** `standard`: as configured. `strict`: a more sensitive search of single baselines, for what interference is left. `lenient`: no search of single baselines and a wide clip, for what was flagged of the sky. */
const FLAGGINGS = ['standard', 'strict', 'lenient'] as const;
export type Flagging = (typeof FLAGGINGS)[number];

export interface CalibrationTry {
  calibrator: string;
  flagging: Flagging;
}

/** `as published`: the run took flags over from an earlier one and cannot know how they were made. */
export interface RejectedTry {
  calibrator: string;
  flagging: Flagging | 'as published';
  reason: string;
}

export const calibrationTries = (calibrators: readonly string[]): CalibrationTry[] =>
  calibrators.flatMap((calibrator) => FLAGGINGS.map((flagging) => ({ calibrator, flagging })));

/** Relative to the operator's own parameters, so that no try is looser than one that is called stricter. */
export function flagParametersOf(flagging: Flagging, own: StepParameters['flag']): StepParameters['flag'] {
  switch (flagging) {
    case 'standard':
      return own;
    case 'strict':
      return { ...own, aoflagger: true, aoflaggerThreshold: own.aoflaggerThreshold * 0.75, madSigma: Math.max(3, own.madSigma * 0.75) };
    case 'lenient':
      return { ...own, madSigma: Math.min(50, own.madSigma * 2), aoflagger: false };
    default:
      return flagging satisfies never;
  }
}

export const describeTry = ({ calibrator, flagging }: Pick<RejectedTry, 'calibrator' | 'flagging'>): string =>
  `${calibrator} on ${flagging} flags`;
