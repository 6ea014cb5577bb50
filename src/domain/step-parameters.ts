/**
 * The numbers a step may be run with: schema, default and meaning of each, in one place. Flags, configuration, the API's
 * forms, `resume` overrides and the JSON requests of science programs all come from these schemas; the programs
 * themselves have no defaults. Sources of the values: docs/explanation/science.md.
 */
import { z } from 'zod';
import type { StepName } from './step.ts';

const fraction = z.number().min(0).max(1);

/** Outriggers first: far from the crowded core, they shadow nobody and see every baseline length. */
const REFERENCE_ANTENNAS = [104, 105, 106, 107, 108, 109, 110, 111, 112, 113, 114, 115, 116, 103].map((station) => `DSA-${station}`);

/** What the program `calibrate` is asked for. */
export const calibrateParametersSchema = z.strictObject({
  averageChannels: z
    .int()
    .min(1)
    .max(64)
    .nullable()
    .default(null)
    .describe('channels averaged into one for imaging; null: as many as max_smearing_loss allows'),
  maxSmearingLoss: fraction.default(0.01).describe('of the flux of a source at the 20 % edge of the beam, with the weights of the image'),
  fieldPhase: z
    .boolean()
    .default(true)
    .describe('find one phase a receptor on the catalogue sources of the field; kept only if it fits better'),
});

/** What the program `selfcal` is asked for, in each round. */
export const selfCalParametersSchema = z.strictObject({
  selfCalRounds: z.int().min(0).max(10).default(0).describe('rounds of self-calibration, at most; 0: none'),
  selfCalIntervalS: z.number().min(10).max(600).default(600).describe('one gain a receptor for so long; a group lasts 309 s'),
  selfCalAmplitudeFrom: z
    .int()
    .min(1)
    .max(11)
    .default(2)
    .describe('the first round that finds amplitudes too; above self_cal_rounds: phases only'),
  selfCalMinGain: fraction.default(0.02).describe('the noise must fall by this part, or the group is imaged without'),
});

export const stepParameterSchemas = {
  collect: z.strictObject({}),
  claimHost: z.strictObject({}),
  stageToScratch: z.strictObject({
    mode: z.enum(['auto', 'copy', 'link']).default('auto').describe('auto copies when the source is remote'),
    copies: z.int().min(1).max(16).default(4).describe('subbands copied at a time'),
  }),
  concat: z.strictObject({
    maxBadFraction: fraction.default(0.5).describe('a subband with more non-finite samples than this is taken as missing'),
  }),
  moveToTmpfs: z.strictObject({
    enabled: z.boolean().default(true),
    maxFreeFraction: fraction.default(0.8).describe('declared size at most this part of what is free in tmpfs'),
  }),
  organize: z.strictObject({
    rawRowsChecked: z.int().min(1).max(4096).default(64).describe('rows a (subband, time) compared with the raw file'),
  }),
  flag: z.strictObject({
    madSigma: z.number().min(3).max(50).default(7).describe('global clip, in robust standard deviations'),
    deadAntennaFraction: fraction.default(0.95).describe('an antenna flagged more than this is dead'),
    aoflagger: z.boolean().default(true).describe('run AOFlagger after the array statistic'),
    aoflaggerThreshold: z
      .number()
      .min(0.3)
      .max(10)
      .default(1.2)
      .describe('of its strategy; 0.9 finds two to three times as much patchy interference and loses 4 to 5 % of clean samples'),
  }),
  solve: z.strictObject({
    minSnr: z.number().min(1).max(100).default(5),
    minPhaseSnr: z.number().min(1).max(100).default(3),
    phaseIntervalS: z.number().min(10).max(600).default(60),
    minBaselinesPerAntenna: z.int().min(2).max(20).default(4),
    fillGaps: z.int().min(0).max(64).default(3),
    minFieldFraction: fraction
      .default(0.003)
      .describe('catalogue sources brighter through the beam than this part of the calibrator are in its model'),
    uvMinLambda: z.number().min(0).max(20_000).default(1000).describe('shortest baseline used for the phase solution'),
    bandpassOutlierFraction: fraction.default(0.05).describe('channels farther off the median envelope are clipped'),
    maxFlaggedFraction: fraction.default(0.05),
    minAntennaFraction: fraction.default(0.6).describe('antennas with solutions, of those in the data'),
    minMedianSnr: z.number().min(1).default(10),
    maxAmplitudeScatter: z.number().positive().default(0.2),
    maxPhaseScatterDeg: z.number().positive().default(30),
    minBandFraction: fraction.default(0.75).describe('channels with solutions; a band that is flagged by half is refused'),
    maxGainScaleChange: z
      .number()
      .positive()
      .default(0.1)
      .describe('of the median |gain| since the last good set of the strip; a calibrator whose flux is wrong by a factor shows here'),
    maxPhaseSlopeDeg: z
      .number()
      .positive()
      .default(60)
      .describe('median over receptors, along the whole band; one antenna that exceeds it against the others is left out'),
    maxAntennaTurnDeg: z
      .number()
      .positive()
      .max(180)
      .default(30)
      .describe(
        'of one antenna against the others over the group; more: it does not stand where it should, or has another name, and is left out',
      ),
    maxMisplacedFraction: fraction.default(0.1).describe('antennas left out so; with more nothing is solved'),
    refantOrder: z.array(z.string()).min(1).default(REFERENCE_ANTENNAS).describe('reference antennas by name, best first'),
  }),
  calibrate: calibrateParametersSchema.extend(selfCalParametersSchema.shape),
  image: z.strictObject({
    tier: z.enum(['quicklook', 'standard', 'deep']).default('standard'),
    extentDeg: z.number().min(0.1).max(6).default(3),
    cellArcsec: z.number().positive().nullable().default(null).describe('null: the beam over 3.5'),
    robust: z.number().min(-2).max(2).default(0),
    niter: z.int().min(0).default(50_000),
    autoThresholdSigma: z.number().min(0.3).max(20).default(0.5).describe('cleaned down to so many times the noise, inside the mask'),
    catalogueMask: z.boolean().default(true).describe('clean only around catalogue sources, unless a bright one is somewhere else'),
    autoMaskSigma: z.number().min(1).max(50).default(5).describe('without catalogue: what is found above this makes the mask'),
    mgain: z.number().gt(0).lt(1).default(0.95).describe('peak taken off before the next look at the visibilities; lower is safer, slower'),
    pbCut: fraction.default(0.2).describe('the image ends where the primary beam falls below this'),
    subtractBright: z
      .boolean()
      .default(true)
      .describe('take bright catalogue sources out of the visibilities, and put them back into the image'),
    brightSigma: z.number().min(5).max(10_000).default(10).describe('bright: expected above so many times the thermal noise of the image'),
  }),
  photometry: z.strictObject({
    pbCut: fraction.default(0.2),
    snrLimitSigma: z.number().min(1).max(20).default(3).describe('below this the point is an upper limit'),
    neighbourBeams: z.number().min(0.5).max(10).default(1.5).describe('closer sources are fitted together'),
    systematicFraction: fraction.default(0.01).describe('added to every error in quadrature'),
    blind: z.boolean().default(true).describe('look for sources that nobody knew of, on images that passed every quality check'),
    blindSigma: z.number().min(4).max(100).default(5).describe('a new source stands out this much, in its peak and in its fit'),
  }),
  release: z.strictObject({}),
} as const satisfies Record<StepName, z.ZodObject>;

/** All parameters of all steps; missing parts take their defaults. */
export const allStepParametersSchema = z.strictObject({
  collect: stepParameterSchemas.collect.prefault({}),
  claimHost: stepParameterSchemas.claimHost.prefault({}),
  stageToScratch: stepParameterSchemas.stageToScratch.prefault({}),
  concat: stepParameterSchemas.concat.prefault({}),
  moveToTmpfs: stepParameterSchemas.moveToTmpfs.prefault({}),
  organize: stepParameterSchemas.organize.prefault({}),
  flag: stepParameterSchemas.flag.prefault({}),
  solve: stepParameterSchemas.solve.prefault({}),
  calibrate: stepParameterSchemas.calibrate.prefault({}),
  image: stepParameterSchemas.image.prefault({}),
  photometry: stepParameterSchemas.photometry.prefault({}),
  release: stepParameterSchemas.release.prefault({}),
} satisfies Record<StepName, z.ZodType>);

export type StepParameters = z.infer<typeof allStepParametersSchema>;

export const defaultStepParameters = (): StepParameters => allStepParametersSchema.parse({});
