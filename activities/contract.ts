/**
 * The activities workflows call, as types: what goes in and what comes out. Implementations are the other files of this
 * folder; workflows import from here with `import type` and from nowhere else.
 */
import type { CalibrationChoice } from '../src/domain/catalog-command.ts';
import type { GroupKey, SubbandArrival } from '../src/domain/arrival.ts';
import type { StepFailure } from '../src/domain/failure.ts';
import type { AttemptReport } from '../src/domain/observation-group.ts';
import type { ConcatResult, PhotometryResult, SolveResult, ValidateResult } from '../src/domain/science-result.ts';
import type { ImageMeasure, SelfCalResult } from '../src/domain/self-calibration.ts';
import type { AttemptName, Measured, Resources, StepOutputs } from '../src/domain/step-output.ts';
import type { StepParameters } from '../src/domain/step-parameters.ts';

export type { CatalogActivities } from '../src/domain/catalog-command.ts';
export type { LedgerActivities } from '../src/domain/ledger-command.ts';

interface Order<Step extends keyof StepParameters> {
  attempt: AttemptName;
  /** When the step was ordered, RFC 3339: the only clock a science program may write into its products. */
  requestedAt: string;
  parameters: StepParameters[Step];
}

/** Where the bytes of a group are on its host. */
export interface MeasurementSetPlace {
  publishedMs: string;
  /** The copy in memory, when there is one; it may be gone after a restart of the host. */
  tmpfsMs: string | null;
}

/** Served on `pipeline` by every worker. */
export interface ProbeActivities {
  claimHost(): Promise<StepOutputs['claimHost']>;
  /** Tells every open group that waits for a calibration set that one was registered. Answers how many were told. */
  broadcastCalibration(set: { productId: number; decDeg: number }): Promise<number>;
}

/** Served on `host-<name>`: file work, no science. */
export interface HostFileActivities {
  stageToScratch(order: Order<'stageToScratch'> & { members: SubbandArrival[] }): Promise<Measured<StepOutputs['stageToScratch']>>;
  moveToTmpfs(order: Order<'moveToTmpfs'> & { ms: string }): Promise<Measured<StepOutputs['moveToTmpfs']>>;
  /** Finds the published Measurement Set of an earlier run, with all that later steps need to know of it. */
  reopen(order: { attempt: AttemptName }): Promise<Measured<Pick<StepOutputs, 'concat' | 'organize'>>>;
  /** Leaves what a person needs about a group that cannot be converted, the rejected Measurement Set with it. */
  fileFailure(order: {
    attempt: AttemptName;
    requestedAt: string;
    failure: StepFailure;
    attempts: AttemptReport[];
    /** What the manifest would have said, as far as it is known. */
    known: Record<string, unknown>;
    rejectedMs: string | null;
  }): Promise<Measured<{ folder: string; salvaged: boolean }>>;
  release(order: Order<'release'> & { keepScratch: boolean }): Promise<Measured<StepOutputs['release']>>;
}

/** Served on `host-<name>-science`: one supervised subprocess each. */
export interface HostScienceActivities {
  concat(
    order: Order<'concat'> & { members: StepOutputs['stageToScratch']['members']; expectedSubbands: number; key: GroupKey },
  ): Promise<Measured<Pick<StepOutputs['concat'], 'result'>>>;
  organize(
    order: Order<'organize'> & {
      concat: ConcatResult;
      key: GroupKey;
      degradedReasons: string[];
      /** What the conversion was asked and what it cost, for the manifest; absent where nobody measured. */
      conversion?: { parameters: StepParameters['concat']; resources: Resources | null };
    },
  ): Promise<Measured<Omit<StepOutputs['organize'], 'productId'> & { validation: ValidateResult }>>;
  flag(order: Order<'flag'> & { place: MeasurementSetPlace }): Promise<Measured<StepOutputs['flag']>>;
  solve(
    order: Order<'solve'> & { place: MeasurementSetPlace; centre: { raDeg: number; decDeg: number; midMjd: number }; calibrator: string },
  ): Promise<Measured<{ result: SolveResult; contentHash: string; bytes: number; directory: string }>>;
  calibrate(
    order: Order<'calibrate'> & { place: MeasurementSetPlace; centre: { raDeg: number; decDeg: number }; choice: CalibrationChoice },
  ): Promise<Measured<{ result: StepOutputs['calibrate']['result'] }>>;
  /** One round, on the set of the round before; `before` is known from the second on. */
  selfCalibrate(
    order: Order<'calibrate'> & {
      image: StepParameters['image'];
      centre: { raDeg: number; decDeg: number };
      round: number;
      ms: string;
      before: ImageMeasure | null;
    },
  ): Promise<Measured<SelfCalResult>>;
  image(
    order: Order<'image'> & {
      ms: string;
      centre: { raDeg: number; decDeg: number };
      calibrationSet: string;
      degradedReasons: string[];
      missingSubbands: number[];
    },
  ): Promise<Measured<Omit<StepOutputs['image'], 'productId'>>>;
  photometry(
    order: Order<'photometry'> & { image: StepOutputs['image']; ms: string },
  ): Promise<Measured<{ measurementsPath: string; result: PhotometryResult }>>;
}
