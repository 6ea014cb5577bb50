/**
 * Every setting of contimg: its key, type, unit, default and meaning. Flags, environment names, the configuration file and
 * the tables of docs/reference/configuration.md all derive from this one schema. Keys are camelCase here and snake_case outside (`watch.poll_s`).
 */
import { availableParallelism, hostname } from 'node:os';
import { z } from 'zod';
import { canaryParametersSchema } from '../domain/canary.ts';
import { DEFAULT_ESE_PRESET, esePresetSchema } from '../domain/candidate.ts';
import { mosaicTierSchema } from '../domain/mosaic-tier.ts';
import { catalogueNameSchema } from '../domain/reference-catalogue.ts';
import { stepNameSchema } from '../domain/step.ts';
import { allStepParametersSchema } from '../domain/step-parameters.ts';

const seconds = z.number().min(0);
const port = z.int().min(1).max(65_535);
/** Resolved to an absolute path by load.ts. */
const path = z.string().min(1);
const cores = availableParallelism();
/** The stable name behind `host-<name>`: letters that are safe in a queue name. */
const stableName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9.-]{0,62}$/, 'a host name has letters, digits, dots and dashes');

const pathsSchema = z.strictObject({
  input: path.default('incoming').describe('directory of *_sb??.hdf5; never written to'),
  output: path.default('products').describe('base for ms/, images/, caltables/'),
  scratch: path.optional().describe('fast disk for staging and parts; default <output>/.work'),
  state: path.default('state').describe('database, Temporal file, locks, logs'),
  database: path.optional().describe('the product database; default <state>/db/pipeline.sqlite3'),
  tmpfs: path.default('/dev/shm').describe('memory file system a Measurement Set is kept in while it is read'),
  python: path.optional().describe('interpreter of the science environment; default science/.venv/bin/python'),
  catalogue: path.optional().describe('CSV of monitored sources: name, ra_deg, dec_deg, flux_jy'),
  pointingSchedule: path.optional().describe('CSV of pointings and pauses for the ledger: start_utc, pointing, reason'),
});

const collectingSchema = z.strictObject({
  expected: z.int().min(1).max(16).default(16).describe('members of a full group'),
  warnAfterS: seconds.default(600).describe('warn this long after the first file'),
  deadlineS: seconds.default(1800),
  backlogAfterH: z.number().positive().default(6).describe('a group observed longer ago than this at its first file goes to lane backlog'),
  minimum: z.int().min(1).max(16).default(14).describe('with fewer at the deadline a group parks'),
  onDeadline: z.enum(['convert-degraded', 'park', 'fail']).default('convert-degraded'),
  recheckS: seconds.default(60).describe('how often the member list is read again from the database'),
});

export const settingsSchema = z.strictObject({
  paths: pathsSchema.prefault({}),
  collecting: collectingSchema.prefault({}),
  cadence: z
    .strictObject({
      nominalMin: z.number().positive().default(5).describe('nominal cadence for ledger and keep-up; never a grouping boundary'),
    })
    .prefault({}),
  watch: z
    .strictObject({
      pollS: z.number().min(0.1).default(5).describe('directory scan period when file events are off or unreliable'),
      rescanS: z.number().min(0.1).default(60).describe('full scan, whatever events say'),
      settleS: seconds.default(2).describe('size, time and inode must stay equal this long'),
      admissionS: seconds.default(600).describe('how long a header may stay unreadable before the file is invalid'),
      events: z.boolean().default(true).describe('listen to file events'),
    })
    .prefault({}),
  attempt: z
    .strictObject({
      timeoutFloorS: seconds.default(900).describe('floor of the time limit of one science attempt'),
      heartbeatS: z.number().min(0.5).default(30).describe('an attempt silent for this long is lost'),
      maxRetries: z.int().min(0).max(20).default(3).describe('retries after the first try'),
      firstRetryDelayS: seconds.default(5),
    })
    .prefault({}),
  policy: z
    .strictObject({
      solve: z.boolean().default(false).describe('solve calibration on calibrator groups'),
      photometry: z.boolean().default(false),
      lastStep: stepNameSchema.default('release').describe('steps after it are left out: `organize` converts and no more'),
      mosaic: z.boolean().default(false).describe('let finished groups signal the mosaic of their hour'),
      upgrade: z.enum(['automatic', 'off']).default('automatic').describe('what a late subband does to a degraded group'),
      rerunStale: z
        .enum(['automatic', 'plan-only'])
        .default('automatic')
        .describe('whether groups whose products became stale run again by themselves, in lane reprocess'),
    })
    .prefault({}),
  calibration: z
    .strictObject({
      validityHours: z.number().positive().default(12),
      stripToleranceDeg: z.number().positive().default(5),
      waitS: seconds.default(1800).describe('how long a group waits for a valid set before it parks'),
      provisionalDays: z
        .number()
        .min(0)
        .max(30)
        .default(0)
        .describe(
          'after that it takes the nearest good set of its strip within so many days, marked, until a valid one comes; 0: it parks',
        ),
      closerByHours: z
        .number()
        .min(0)
        .optional()
        .describe('a new set closer in time by more than this makes finished groups of its strip run again; off when absent'),
    })
    .prefault({}),
  sky: z
    .strictObject({
      survey: catalogueNameSchema
        .optional()
        .describe('imported catalogue whose sources are part of every model of the sky, beside the monitored ones, and are not monitored'),
    })
    .prefault({}),
  canary: canaryParametersSchema
    .extend({
      enabled: z.boolean().default(false).describe('put synthetic sources into a copy of a finished group and see what comes back'),
      everyH: z.number().min(0.1).max(24).default(1).describe('how often the group completed last is taken'),
    })
    .prefault({}),
  mosaic: z
    .strictObject({
      tier: mosaicTierSchema.default('science').describe('of the mosaics of each hour'),
      neighbours: z.int().min(0).max(6).default(2).describe('groups before and after the hour that are added too'),
      deadlineS: seconds.default(7200).describe('after the hour, or after its start, groups that are not finished are left out'),
      recheckS: z.number().min(0.1).default(60).describe('how often a mosaic that waits looks at its groups'),
      pbCut: z.number().gt(0).lt(1).default(0.2).describe('tiles end where their primary beam falls below this'),
      cellArcsec: z.number().positive().optional().describe('of the grid; default that of the finest image, twice that for quicklook'),
    })
    .prefault({}),
  variability: z
    .strictObject({
      candidates: esePresetSchema.default(DEFAULT_ESE_PRESET).describe('how readily a source that varies becomes a candidate'),
    })
    .prefault({}),
  scratch: z.strictObject({ cleanup: z.boolean().default(true).describe('remove the scratch of a group that succeeded') }).prefault({}),
  capsule: z.strictObject({ keepH: z.number().min(0).default(72).describe('how long the scratch of a failed step stays') }).prefault({}),
  health: z.strictObject({ host: z.string().default('127.0.0.1'), port: port.default(9100) }).prefault({}),
  api: z
    .strictObject({
      host: z.string().default('127.0.0.1'),
      port: port.default(8000),
      anonymousRead: z.enum(['off', 'loopback']).default('off'),
      corsOrigins: z.array(z.string()).default(['http://localhost:5173']).describe('pages of other addresses that may use the API'),
    })
    .prefault({}),
  temporal: z
    .strictObject({
      address: z.string().optional().describe('a real server, host:port; without it the embedded one is started'),
      namespace: z.string().min(1).default('contimg'),
      port: port.default(7233).describe('of the embedded server'),
      uiPort: port.default(8233).describe('Web UI of the embedded server'),
      retentionDays: z.int().min(1).default(30),
    })
    .prefault({}),
  worker: z
    .strictObject({
      hostName: stableName.default(() => hostname()),
      ompThreads: z.int().min(1).max(256).default(Math.min(4, cores)).describe('threads one science step may use'),
      slots: z.int().min(1).max(256).optional().describe('heavy steps at once; default cores / threads, at least 1'),
      memoryGb: z.number().positive().optional().describe('address space one science process may take; default the memory of the host'),
      graceS: seconds.default(300).describe('running steps get this long when the worker is stopped'),
      metricsPort: port.optional().describe('Temporal SDK metrics; off when absent'),
    })
    .prefault({}),
  monitor: z
    .strictObject({
      enabled: z.boolean().default(true).describe('sampling of queue, disk, CPU and memory, and the health endpoint; warnings stay'),
      intervalS: z.number().min(1).default(60).describe('period of samples and of looking for what to warn of'),
    })
    .prefault({}),
  profile: z
    .strictObject({
      hz: z.number().min(0).max(100).default(0).describe('samples a second of what each attempt uses, kept under state/profiles; 0: none'),
    })
    .prefault({}),
  log: z.strictObject({ level: z.enum(['debug', 'info', 'warn', 'error', 'fatal']).default('info') }).prefault({}),
  disk: z
    .strictObject({
      pauseGb: z.number().min(0).default(10).describe('below this free on output no new group starts'),
      resumeGb: z.number().min(0).default(15).describe('a host that paused starts groups again above this; never below pause_gb'),
      recheckS: z
        .number()
        .min(0.1)
        .default(30)
        .describe('first look again of a step that waits for space; later ones up to ten times as far apart'),
      warnGb: z.number().min(0).default(50),
    })
    .prefault({}),
  /** Nominal telescope site, for sidereal times on screens; data are reduced with the site in their own headers. */
  site: z
    .strictObject({ latDeg: z.number().default(37.2334051), lonDeg: z.number().default(-118.283), heightM: z.number().default(1188.0519) })
    .prefault({}),
  steps: allStepParametersSchema.prefault({}).describe('parameters of each step'),
});

type ParsedSettings = z.infer<typeof settingsSchema>;

/** Settings as everybody reads them: absolute paths, derived values filled in. */
export type Settings = Omit<ParsedSettings, 'paths' | 'worker'> & {
  paths: Omit<ParsedSettings['paths'], 'scratch' | 'database'> & { scratch: string; database: string };
  worker: Omit<ParsedSettings['worker'], 'slots'> & { slots: number };
};

export const slotsOf = (ompThreads: number): number => Math.max(1, Math.floor(cores / ompThreads));
