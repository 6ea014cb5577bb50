/**
 * What each science program answers (src/runner parses it, camelCased). Arrays of pixels or visibilities never appear
 * here: only paths, hashes and numbers a person can read. Schemas are loose where a program reports extra measures.
 */
import { z } from 'zod';

const seconds = z.record(z.string(), z.number());
/** Versions by name; absent in results of before they were told. */
const software = z.record(z.string(), z.string()).optional();

export const concatResultSchema = z.looseObject({
  ms: z.string(),
  rows: z.int(),
  times: z.int(),
  channels: z.int(),
  startMjd: z.number(),
  midMjd: z.number(),
  endMjd: z.number(),
  raDeg: z.number(),
  decDeg: z.number(),
  subbandsPresent: z.array(z.int()),
  missing: z.array(z.looseObject({ subband: z.int(), integrations: z.array(z.int()) })),
  flaggedFraction: z.number(),
  inputs: z.array(z.looseObject({ path: z.string(), subband: z.int(), bytes: z.int(), sha256: z.string() })),
  contentDigest: z.string(),
  bytesRead: z.int(),
  bytesWritten: z.int(),
  software,
  timingsS: seconds,
});
export type ConcatResult = z.infer<typeof concatResultSchema>;

/** A built-in flux calibrator, or a bright source of an imported list where none transits. */
export const calibratorKindSchema = z.enum(['primary', 'bright_fallback']);

/** Calibrators of a group, best first, the chosen one among them; absent in results of before they were told. */
const calibratorCandidateSchema = z.looseObject({
  name: z.string(),
  kind: calibratorKindSchema,
  response: z.number(),
  fluxJy: z.number(),
});

export const validateResultSchema = z.looseObject({
  checks: z.array(z.looseObject({ code: z.string(), passed: z.boolean(), detail: z.string() })),
  classification: z.looseObject({
    kind: z.enum(['science', 'calibrator']),
    calibrator: z.string().nullable(),
    reason: z.string(),
    candidates: z.array(calibratorCandidateSchema).optional(),
  }),
  timingsS: seconds,
});
export type ValidateResult = z.infer<typeof validateResultSchema>;

export const flagResultSchema = z.looseObject({
  flaggedFraction: z.number(),
  flaggedByReason: z.record(z.string(), z.number()),
  deadAntennas: z.array(z.string()),
  flagDigest: z.string(),
  timingsS: seconds,
});
export type FlagResult = z.infer<typeof flagResultSchema>;

const calibrationTableSchema = z.looseObject({ type: z.string(), order: z.int(), path: z.string() });
export const solveResultSchema = z.looseObject({
  calibrator: z.string(),
  /** Absent in results of before imported calibrators: built-in ones. */
  calibratorKind: calibratorKindSchema.optional(),
  /** Catalogue and version of an imported one. */
  calibratorCatalogue: z.string().nullable().optional(),
  fluxJy: z.number(),
  referenceAntenna: z.string(),
  tables: z.array(calibrationTableSchema),
  startMjd: z.number(),
  midMjd: z.number(),
  endMjd: z.number(),
  decDeg: z.number(),
  qa: z.record(z.string(), z.unknown()),
  passed: z.boolean(),
  reasons: z.array(z.string()),
  /** What a set that passed does not hold, and why; absent in results of before it was told. */
  warnings: z.array(z.string()).optional(),
  software,
  timingsS: seconds,
});
export type SolveResult = z.infer<typeof solveResultSchema>;

export const calibrateResultSchema = z.looseObject({
  ms: z.string(),
  rows: z.int(),
  channels: z.int(),
  flaggedFraction: z.number(),
  setsUsed: z.array(z.looseObject({ id: z.string(), weight: z.number() })),
  timingsS: seconds,
});
export type CalibrateResult = z.infer<typeof calibrateResultSchema>;

export const IMAGE_FILE_KINDS = ['image', 'imagePb', 'residual', 'psf', 'model', 'beam', 'png', 'thumbnail'] as const;
export const imageResultSchema = z.looseObject({
  files: z.record(z.enum(IMAGE_FILE_KINDS), z.string()),
  beamMajorArcsec: z.number(),
  beamMinorArcsec: z.number(),
  beamPaDeg: z.number(),
  noiseJy: z.number(),
  peakJy: z.number(),
  dynamicRange: z.number(),
  centreRaDeg: z.number(),
  centreDecDeg: z.number(),
  widthPx: z.int(),
  cellArcsec: z.number(),
  freqHz: z.number(),
  bandwidthHz: z.number(),
  midMjd: z.number(),
  qa: z.looseObject({
    verdict: z.enum(['pass', 'warn', 'fail']),
    checks: z.array(z.looseObject({ name: z.string(), passed: z.boolean() })),
  }),
  wsclean: z.looseObject({ version: z.string() }).optional(),
  software,
  timingsS: seconds,
});
export type ImageResult = z.infer<typeof imageResultSchema>;

export const photometryResultSchema = z.looseObject({
  measured: z.int(),
  upperLimits: z.int(),
  outside: z.int(),
  medianRmsJy: z.number().nullable(),
  /** New sources; null when nobody looked, and the note says why. */
  blindFound: z.int().nullable(),
  blindNote: z.string().nullable(),
  timingsS: seconds,
});
export type PhotometryResult = z.infer<typeof photometryResultSchema>;

/** What was fitted to the image at one place. */
const fittedFluxShape = {
  mjd: z.number(),
  fluxJy: z.number(),
  errorJy: z.number().positive(),
  localRmsJy: z.number().positive(),
  snr: z.number(),
  pbResponse: z.number(),
  chi2: z.number().nullable(),
  upperLimit: z.boolean(),
  flags: z.array(z.string()),
};

/** One line of the measurements file: at a monitored source, or where nobody knew of one. */
export const measurementLineSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('forced'), sourceId: z.int(), ...fittedFluxShape }),
  z.strictObject({
    kind: z.literal('blind'),
    raDeg: z.number().min(0).lt(360),
    decDeg: z.number().min(-90).max(90),
    /** One standard deviation, along the long axis of the beam. */
    positionErrorArcsec: z.number().positive(),
    beamArcsec: z.number().positive(),
    ...fittedFluxShape,
  }),
]);
export type MeasurementLine = z.infer<typeof measurementLineSchema>;
export type ForcedLine = Extract<MeasurementLine, { kind: 'forced' }>;
export type BlindLine = Extract<MeasurementLine, { kind: 'blind' }>;
