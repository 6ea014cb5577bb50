/**
 * What a simulation may be asked for, with its defaults: schema of the request of `simulate`. Groups are counted from 0 in
 * the order of their start; angles in degrees, fluxes in Jy.
 */
import { z } from 'zod';

const lightCurve = z.strictObject({
  kind: z.enum(['steady', 'step', 'flare', 'double', 'ese']),
  group: z.int().min(0),
  factor: z.number().min(0),
  length: z.int().min(1),
});

const explicitSource = z.strictObject({
  name: z.string(),
  raDeg: z.number(),
  decDeg: z.number(),
  fluxJy: z.number().positive(),
  spectralIndex: z.number(),
  lightCurve,
});

const schedule = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('night'),
    notBeforeUtc: z.string(),
    calibrator: z.string(),
    scienceGroups: z.int().min(1),
    skippedGroups: z.int().min(0),
    days: z.int().min(1),
  }),
  z.strictObject({ kind: z.literal('run'), startUtc: z.string(), count: z.int().min(1) }),
  z.strictObject({ kind: z.literal('list'), groups: z.array(z.strictObject({ startUtc: z.string(), calibrator: z.string().nullable() })) }),
]);

export const FAULT_NAMES = [
  'missing',
  'late',
  'truncate',
  'zero_byte',
  'corrupt',
  'half_written',
  'incomplete',
  'corrupted_name',
  'duplicate',
  'short',
  'nan',
  'reverse',
  'width_sign',
  'wrong_dec',
  'wrong_slot',
  'stale_clock',
  'mjd55000',
  'replace',
  'unreadable',
  'bomb',
  'bad_name',
  'link_out',
] as const;

export const faultTargetSchema = z.strictObject({
  group: z.int().min(0),
  subbands: z.union([z.literal('*'), z.array(z.int().min(0).max(15)).min(1)]),
  value: z.union([z.number(), z.enum(['same', 'other'])]).nullable(),
});

export const simulationSchema = z.strictObject({
  size: z.enum(['mini', 'full']).default('mini'),
  seed: z.int().min(0).default(110),
  decAppDeg: z.number().gt(-40).lt(90).default(50.5),
  schedule: schedule.prefault({
    kind: 'night',
    notBeforeUtc: '2025-10-01T00:00:00Z',
    calibrator: '3C147',
    scienceGroups: 3,
    skippedGroups: 0,
    days: 2,
  }),
  sources: z
    .strictObject({
      count: z.int().min(0).default(12),
      fluxMinJy: z.number().positive().default(0.15),
      fluxMaxJy: z.number().positive().default(3),
      radiusDeg: z.number().positive().max(3).default(0.8),
      separationArcmin: z.number().min(0).default(3),
      doubling: z.int().min(0).default(1),
      calibratorIn: z.enum(['transit', 'every']).default('transit'),
      explicit: z.array(explicitSource).default([]),
    })
    .prefault({}),
  ntimes: z.int().min(2).max(24).default(24),
  order: z.enum(['correlator', 'sorted']).default('correlator'),
  widthSign: z.union([z.literal(1), z.literal(-1)]).default(1),
  instrument: z.enum(['real', 'ideal']).default('real'),
  noise: z.boolean().default(true),
  smear: z.boolean().default(false),
  deadAntennas: z.array(z.int().min(1).max(117)).default([]),
  deadReceptors: z.array(z.string().regex(/^\d{1,3}[XY]$/)).default([]),
  rfi: z
    .strictObject({
      narrow: z.int().min(0).default(0),
      bursts: z.int().min(0).default(0),
      sweeps: z.int().min(0).default(0),
      baselines: z.int().min(0).default(0),
      amplitudeSigma: z.number().positive().default(20),
    })
    .prefault({}),
  faults: z.partialRecord(z.enum(FAULT_NAMES), z.array(faultTargetSchema)).default({}),
  deliver: z.enum(['rsync', 'inplace', 'at-once', 'incomplete']).default('rsync'),
  rate: z.number().positive().nullable().default(null).describe('times real time; null: as fast as they are made'),
  restartGap: z.boolean().default(false),
  catalogues: z.boolean().default(false).describe('write the sky as published catalogues come, too'),
});
export type Simulation = z.infer<typeof simulationSchema>;

export const simulationResultSchema = z.looseObject({
  directory: z.string(),
  truthDirectory: z.string(),
  truth: z.string(),
  catalogue: z.string(),
  groups: z.array(z.looseObject({ groupId: z.string(), kind: z.string(), calibrator: z.string().nullable(), files: z.int() })),
  sources: z.int(),
  files: z.int(),
  bytesWritten: z.int(),
  timingsS: z.record(z.string(), z.number()),
});
