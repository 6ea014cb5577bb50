/**
 * What the workflow of a canary asks of its host and of the catalog queue. Host orders may be sent again: each works in the
 * folder of this run alone. A record sent again changes nothing.
 */
import { z } from 'zod';
import {
  CANARY_VERDICTS,
  canaryMeasurementSchema,
  type CanaryParameters,
  type CanaryRequest,
  type InjectResult,
  type judgeCanary,
} from './canary.ts';
import type { CalibrationChoice } from './catalog-command.ts';
import { type GroupId, groupIdSchema } from './group-id.ts';
import type { GroupPolicy } from './policy.ts';
import type { ImageResult } from './science-result.ts';
import type { AttemptName, Measured } from './step-output.ts';
import type { StepParameters } from './step-parameters.ts';

/** A finished group, and all that is needed to walk the line with a copy of it. */
export interface CanarySubject {
  groupId: GroupId;
  host: string;
  publishedMs: string;
  centre: { raDeg: number; decDeg: number };
  missingSubbands: number[];
  image: {
    productId: number;
    noiseJy: number;
    beamMajorArcsec: number;
    files: Pick<ImageResult['files'], 'image' | 'beam' | 'residual' | 'model'>;
  };
  choice: CalibrationChoice;
  policy: GroupPolicy;
  parameters: Pick<StepParameters, 'flag' | 'calibrate' | 'image' | 'photometry' | 'release'>;
  canary: CanaryParameters;
}

/** The science attempts of a canary; `step` names the folder in scratch. */
interface CanaryOrder {
  attempt: Omit<AttemptName, 'step'> & { step: string };
  requestedAt: string;
  subject: CanarySubject;
}

interface InjectedCopy {
  result: InjectResult;
  /** The catalogue with the synthetic sources, for the image. */
  sources: string;
  /** The synthetic sources alone, for photometry. */
  positions: string;
}

/** Served on `host-<name>-science`; the steps between injection and image are those of every group. */
export interface CanaryScienceActivities {
  injectCanary(order: CanaryOrder): Promise<Measured<InjectedCopy>>;
  imageCanary(order: CanaryOrder & { ms: string; sources: string }): Promise<Measured<{ directory: string; result: ImageResult }>>;
  /** Measures, judges, and files the pictures under `canary/`; the planes too when the verdict is not good. */
  recoverCanary(
    order: CanaryOrder & { injected: InjectedCopy; image: { directory: string; result: ImageResult } },
  ): Promise<Measured<ReturnType<typeof judgeCanary> & { directory: string }>>;
}

export const canaryRecordSchema = z.strictObject({
  runId: z.string(),
  groupId: groupIdSchema,
  imageProductId: z.int(),
  host: z.string(),
  by: z.string(),
  startedAt: z.string(),
  endedAt: z.string(),
  verdict: z.enum(CANARY_VERDICTS),
  reasons: z.array(z.string()),
  /** Where its pictures are; null when none were made. */
  directory: z.string().nullable(),
  measurements: z.array(canaryMeasurementSchema),
});
export type CanaryRecord = z.infer<typeof canaryRecordSchema>;

/** Served on `catalog`. */
export interface CanaryCatalogActivities {
  /** The group asked for, or the one completed last if it had no canary yet; otherwise why there is none. */
  chooseCanary(request: CanaryRequest): Promise<{ subject: CanarySubject } | { subject: null; reason: string }>;
  recordCanary(record: CanaryRecord): Promise<void>;
}

/** How a run ended: recorded, or not begun for a reason. */
export type CanaryOutcome = { record: CanaryRecord } | { record: null; reason: string };

export const CANARY_WORKFLOW = 'canary';
