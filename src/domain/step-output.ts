/**
 * What each step hands to the next: paths, hashes and measured numbers. The workflow keeps these per step; going back to an
 * earlier step forgets the ones after it.
 */
import type { SubbandArrival } from './arrival.ts';
import type { RejectedTry } from './calibration-try.ts';
import type { CalibrationChoice } from './catalog-command.ts';
import type {
  CalibrateResult,
  ConcatResult,
  FlagResult,
  ImageResult,
  PhotometryResult,
  SolveResult,
  ValidateResult,
} from './science-result.ts';

/** What one attempt cost, as measured by the subprocess or the activity itself. */
export type Resources = {
  wallS: number;
  cpuS: number;
  maxRssBytes: number;
};

export interface StepOutputs {
  collect: { members: SubbandArrival[]; missing: number[] };
  claimHost: { host: string; hostQueue: string; scienceQueue: string };
  stageToScratch: { members: { path: string; subband: number }[]; copied: boolean; bytes: number };
  concat: { result: ConcatResult; resources: Resources | null };
  moveToTmpfs: { ms: string | null; bytes: number };
  organize: { publishedMs: string; manifestPath: string; bytes: number; validation: ValidateResult; productId: number };
  flag: { result: FlagResult };
  solve: { result: SolveResult; calibrationSetProductId: number; rejectedTries: RejectedTry[] };
  calibrate: { result: CalibrateResult; choice: CalibrationChoice };
  image: { directory: string; contentHash: string; bytes: number; result: ImageResult; productId: number };
  photometry: { measurementsPath: string; result: PhotometryResult; points: number; variableSources: number; newSources: number };
  release: { freedBytes: number };
}

/** What a host activity answers: its output, and what it cost. */
export interface Measured<Output> {
  output: Output;
  resources: Resources | null;
  bytesRead: number | null;
  bytesWritten: number | null;
  timingsS: Record<string, number> | null;
  /** In words, when the step did something else than its name says (a no-op, a fallback that was asked for). */
  note: string | null;
}

/** Names one attempt on disk and in the database. */
export interface AttemptName {
  groupId: string;
  runId: string;
  runNumber: number;
  step: keyof StepOutputs;
  attempt: number;
}
