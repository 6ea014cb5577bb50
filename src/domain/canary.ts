/**
 * The canary: synthetic sources of known flux in the visibilities of a real group, taken through the whole line, and the
 * verdict on what came back. Its numbers live in tables of their own and never among measurements of the sky.
 */
import { z } from 'zod';
import { groupIdSchema } from './group-id.ts';

/** Said of everything a canary makes: its images in their headers, its folder in its name. */
export const CANARY_TAG = 'synthetic_sources';

const fraction = z.number().min(0).max(1);

export const canaryParametersSchema = z.strictObject({
  steadySnr: z
    .array(z.number().min(5).max(1000))
    .min(1)
    .max(10)
    .default([10, 30, 100])
    .describe('steady sources, in noises of the image of the group'),
  varyingSnr: z.number().min(5).max(1000).default(30).describe('mean of the source that varies'),
  varyingAmplitude: z.number().min(0).max(0.9).default(0.5).describe('of its mean flux, as a sine of time'),
  varyingPeriodH: z.number().positive().default(7).describe('no divisor of a day: the same hour meets another phase each day'),
  minResponse: z.number().min(0.1).max(0.95).default(0.5).describe('sources lie where the primary beam is above this'),
  clearanceArcmin: z.number().min(0).max(60).default(4).describe('from every source of the catalogue and from each other'),
  maxFluxError: fraction.default(0.05).describe('of the flux, beside the quoted error: more fails the canary'),
  maxOffsetBeams: z.number().positive().max(1).default(0.1).describe('of position, beside what the S/N allows: more fails the canary'),
});
export type CanaryParameters = z.infer<typeof canaryParametersSchema>;

export const canaryRequestSchema = z.strictObject({
  /** Null: the group completed last. */
  groupId: groupIdSchema.nullable(),
  by: z.string().trim().min(1).max(100),
});
export type CanaryRequest = z.infer<typeof canaryRequestSchema>;

const seconds = z.record(z.string(), z.number());
const injectedSourceSchema = z.looseObject({
  sourceId: z.int(),
  name: z.string(),
  kind: z.enum(['steady', 'varying']),
  raDeg: z.number(),
  decDeg: z.number(),
  response: z.number(),
  catalogueJy: z.number(),
  injectedJy: z.number().positive(),
});
export type InjectedSource = z.infer<typeof injectedSourceSchema>;
export const injectResultSchema = z.looseObject({ ms: z.string(), sources: z.array(injectedSourceSchema).min(1), timingsS: seconds });
export type InjectResult = z.infer<typeof injectResultSchema>;

const recoveredSourceSchema = z.looseObject({
  sourceId: z.int(),
  measuredJy: z.number(),
  errorJy: z.number().positive(),
  beforeJy: z.number(),
  snr: z.number(),
  offsetArcsec: z.number(),
});
type RecoveredSource = z.infer<typeof recoveredSourceSchema>;
export const recoverResultSchema = z.looseObject({
  sources: z.array(recoveredSourceSchema),
  beamMajorArcsec: z.number().positive(),
  timingsS: seconds,
});
export type RecoverResult = z.infer<typeof recoverResultSchema>;

export const CANARY_VERDICTS = ['pass', 'fail', 'error'] as const;
/** `fail`: the line made something else of the sources; `error`: a step failed, so nobody knows. */
export type CanaryVerdict = (typeof CANARY_VERDICTS)[number];

export const canaryMeasurementSchema = z.strictObject({
  name: z.string(),
  kind: z.enum(['steady', 'varying']),
  raDeg: z.number(),
  decDeg: z.number(),
  response: z.number(),
  injectedJy: z.number(),
  measuredJy: z.number(),
  errorJy: z.number(),
  /** At the same place on the group's own image. */
  beforeJy: z.number(),
  snr: z.number(),
  offsetArcsec: z.number(),
  passed: z.boolean(),
});
export type CanaryMeasurement = z.infer<typeof canaryMeasurementSchema>;

/** What the line made of the source: noise and neighbours of the place are in both fluxes. */
export const fluxRatio = ({
  measuredJy,
  beforeJy,
  injectedJy,
}: Pick<CanaryMeasurement, 'measuredJy' | 'beforeJy' | 'injectedJy'>): number => (measuredJy - beforeJy) / injectedJy;

/** A fitted place scatters by 0.6 beams over the S/N (Condon 1997); three times that is allowed. */
const PLACE_BEAMS = 1.8;

export function judgeCanary(
  injected: readonly InjectedSource[],
  { sources, beamMajorArcsec }: Pick<RecoverResult, 'sources' | 'beamMajorArcsec'>,
  limits: Pick<CanaryParameters, 'maxFluxError' | 'maxOffsetBeams'>,
): { verdict: Exclude<CanaryVerdict, 'error'>; reasons: string[]; measurements: CanaryMeasurement[] } {
  const reasons: string[] = [];
  const measurements = injected.map((truth): CanaryMeasurement => {
    const found = sources.find(({ sourceId }) => sourceId === truth.sourceId);
    if (found === undefined) throw new Error(`${truth.name} was injected and nothing is said of it`);
    const against = reasonsAgainst(truth, found, beamMajorArcsec, limits);
    reasons.push(...against);
    const { name, kind, raDeg, decDeg, response, injectedJy } = truth;
    const { measuredJy, errorJy, beforeJy, snr, offsetArcsec } = found;
    const passed = against.length === 0;
    return { name, kind, raDeg, decDeg, response, injectedJy, measuredJy, errorJy, beforeJy, snr, offsetArcsec, passed };
  });
  return { verdict: reasons.length === 0 ? 'pass' : 'fail', reasons, measurements };
}

function reasonsAgainst(
  truth: InjectedSource,
  found: RecoveredSource,
  beamMajorArcsec: number,
  { maxFluxError, maxOffsetBeams }: Pick<CanaryParameters, 'maxFluxError' | 'maxOffsetBeams'>,
): string[] {
  const ratio = fluxRatio({ ...found, injectedJy: truth.injectedJy });
  const allowed = maxFluxError + found.errorJy / truth.injectedJy;
  const allowedArcsec = beamMajorArcsec * (maxOffsetBeams + PLACE_BEAMS / Math.max(found.snr, 1));
  const reasons: string[] = [];
  if (Math.abs(ratio - 1) > allowed) {
    reasons.push(`${truth.name}: ${ratio.toFixed(3)} of its flux came back, within ${allowed.toFixed(3)} of 1 is allowed`);
  }
  if (found.offsetArcsec > allowedArcsec) {
    reasons.push(`${truth.name}: ${found.offsetArcsec.toFixed(2)}″ from its place, ${allowedArcsec.toFixed(2)}″ are allowed`);
  }
  return reasons;
}
