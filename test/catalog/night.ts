/** A small night for tests: real database files, groups with files, and products as the workflows record them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CatalogDatabase, openForWriting } from '../../src/catalog/database.ts';
import { issueGroup } from '../../src/catalog/groups.ts';
import { importSources } from '../../src/catalog/source-import.ts';
import { setStorageLocations } from '../../src/catalog/storage-locations.ts';
import { type SeenFile, upsertFile } from '../../src/catalog/subband-files.ts';
import type { GroupKey } from '../../src/domain/arrival.ts';
import type { GroupProjection, ProductRecord, StepAttempt } from '../../src/domain/catalog-command.ts';
import { type GroupId, groupIdFromHeader, workflowIdOfGroup } from '../../src/domain/group-id.ts';
import { jdToMjd, unixMsToJd } from '../../src/domain/utc.ts';

export const AT = '2025-10-05T13:00:00.000Z';
const INTEGRATION_S = 12.884902;

export interface OpenNight {
  folder: string;
  path: string;
  database: CatalogDatabase;
  close: () => void;
}

/** A fresh database in its own folder, with the storage locations a worker names. */
export function openNight(): OpenNight {
  const folder = mkdtempSync(join(tmpdir(), 'catalog-'));
  const path = join(folder, 'state', 'pipeline.sqlite3');
  const { database, close } = openForWriting(path, { role: 'catalog' });
  setStorageLocations(database, { input: '/data/incoming', output: '/data/products' });
  return {
    folder,
    path,
    database,
    close: () => {
      close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The key of a group whose data begin at an instant. */
export const keyStartingAt = (startedAt: string, decRad = 0.952): GroupKey => ({
  t0Jd: unixMsToJd(Date.parse(startedAt)) + INTEGRATION_S / 2 / 86_400,
  decRad,
  integrationS: INTEGRATION_S,
  integrations: 24,
});

export function foundGroup(database: CatalogDatabase, startedAt: string, decRad?: number): { groupId: GroupId; key: GroupKey } {
  const key = keyStartingAt(startedAt, decRad);
  const groupId = issueGroup(database, { key, groupId: groupIdFromHeader(key.t0Jd, key.integrationS), receivedAt: AT });
  return { groupId, key };
}

export const seenFile = (groupId: GroupId | null, subband: number, changes: Partial<SeenFile> = {}): SeenFile => ({
  path: `/data/incoming/${groupId}_sb${String(subband).padStart(2, '0')}.hdf5`,
  subband,
  status: 'valid',
  reason: null,
  bytes: 1000 + subband,
  mtimeMs: 1_759_667_400_123.456,
  inode: `${9000 + subband}`,
  groupId,
  shownWithGroupId: null,
  nameTimeText: groupId,
  headerT0Mjd: 60_953.5,
  decDeg: 54.57,
  integrations: 24,
  headerDigest: `header-${subband}`,
  gridDigest: 'grid',
  seenAt: AT,
  ...changes,
});

export function deliver(database: CatalogDatabase, groupId: GroupId, subbands: number[]): void {
  for (const subband of subbands) upsertFile(database, seenFile(groupId, subband));
}

export const projection = (groupId: GroupId, key: GroupKey, changes: Partial<GroupProjection> = {}): GroupProjection => ({
  groupId,
  workflowId: workflowIdOfGroup(groupId),
  runId: 'run-1',
  runNumber: 1,
  revision: 1,
  state: 'collecting',
  processingStage: 'collecting',
  step: 'collect',
  lane: 'live',
  host: null,
  expectedSubbands: 16,
  presentSubbands: [0, 1],
  degradedReasons: [],
  waitingFor: null,
  failure: null,
  failedStep: null,
  hasCalibrator: null,
  key,
  receivedAt: AT,
  completedAt: null,
  ...changes,
});

export const attempt = (groupId: GroupId, changes: Partial<StepAttempt> = {}): StepAttempt => ({
  groupId,
  runId: 'run-1',
  step: 'concat',
  attempt: 1,
  host: 'h17',
  startedAt: '2025-10-05T12:40:00.000Z',
  endedAt: '2025-10-05T12:41:10.000Z',
  outcome: 'done',
  note: null,
  failure: null,
  parametersDigest: 'p',
  resources: { cpuS: 90.5, maxRssBytes: 1_000_000, wallS: 70 },
  bytesRead: 100,
  bytesWritten: 50,
  timingsS: { load: 30, phase: 15, write: 20 },
  ...changes,
});

const base = (groupId: GroupId, kind: string, path: string) => ({
  groupId,
  runId: 'run-1',
  runNumber: 1,
  attempt: 1,
  path,
  contentHash: `hash of ${kind} of ${groupId}`,
  bytes: 10,
  parameters: {},
  software: { contimg: '0.1.0' },
  degradedReasons: [],
  inputProductIds: [],
});

type OfKind<Kind extends ProductRecord['kind']> = Extract<ProductRecord, { kind: Kind }>;

export const msRecord = (groupId: GroupId, changes: Partial<OfKind<'ms'>> = {}): OfKind<'ms'> => ({
  kind: 'ms',
  ...base(groupId, 'ms', `/data/products/science/${groupId}.ms`),
  concat: {
    ms: `/data/products/science/${groupId}.ms`,
    rows: 111_744,
    times: 24,
    channels: 768,
    startMjd: 60_953.52,
    midMjd: 60_953.522,
    endMjd: 60_953.524,
    raDeg: 10,
    decDeg: 54.57,
    subbandsPresent: [0, 1],
    missing: [{ subband: 2, integrations: [0, 1] }],
    flaggedFraction: 0.02,
    inputs: [{ path: `/scratch/${groupId}_sb00.hdf5`, subband: 0, bytes: 1000, sha256: 'raw-0' }],
    contentDigest: 'c',
    bytesRead: 1,
    bytesWritten: 1,
    timingsS: {},
  },
  classification: { kind: 'science', calibrator: null, reason: 'no calibrator in the beam' },
  ...changes,
});

export interface SolvedSet {
  midMjd: number;
  decDeg: number;
  passed: boolean;
  referenceAntenna: string;
  runNumber: number;
}

export function calibrationRecord(groupId: GroupId, solved: Partial<SolvedSet> = {}): OfKind<'calibration_set'> {
  const { midMjd = 60_953.5, decDeg = 54.57, passed = true, referenceAntenna = '105', runNumber = 1 } = solved;
  const directory = `/data/products/caltables/${groupId}-3C286${runNumber === 1 ? '' : `.v${runNumber}`}`;
  return {
    kind: 'calibration_set',
    ...base(groupId, 'calibration_set', directory),
    runId: `run-${runNumber}`,
    runNumber,
    contentHash: `tables ${runNumber}`,
    validityHours: 12,
    solve: {
      calibrator: '3C286',
      fluxJy: 14.7,
      referenceAntenna,
      tables: [
        { type: 'GP', order: 2, path: `${directory}/gp` },
        { type: 'BP', order: 1, path: `${directory}/bp` },
      ],
      startMjd: midMjd - 0.002,
      midMjd,
      endMjd: midMjd + 0.002,
      decDeg,
      qa: { median_snr: 40 },
      passed,
      reasons: passed ? [] : ['median SNR 4 is below 10'],
      timingsS: {},
    },
  };
}

export function imageRecord(groupId: GroupId, changes: Partial<OfKind<'image'>> = {}): OfKind<'image'> {
  const directory = changes.path ?? `/data/products/images/${groupId}`;
  const file = (name: string): string => `${directory}/${groupId}.img-${name}`;
  return {
    kind: 'image',
    ...base(groupId, 'image', directory),
    image: {
      files: {
        image: file('image.fits'),
        imagePb: file('image-pb.fits'),
        residual: file('residual.fits'),
        psf: file('psf.fits'),
        model: file('model.fits'),
        beam: file('beam.fits'),
        png: file('image.png'),
        thumbnail: file('thumbnail.png'),
      },
      beamMajorArcsec: 20,
      beamMinorArcsec: 15,
      beamPaDeg: 3,
      noiseJy: 0.001,
      peakJy: 1,
      dynamicRange: 1000,
      centreRaDeg: 10,
      centreDecDeg: 54.5,
      widthPx: 2000,
      cellArcsec: 4,
      freqHz: 1.4e9,
      bandwidthHz: 1.8e8,
      midMjd: jdToMjd(keyStartingAt(`${groupId}Z`).t0Jd),
      qa: { verdict: 'pass', checks: [{ name: 'noise', passed: true }] },
      timingsS: {},
    },
    calibrationSetIds: [],
    how: 'same-day',
    ...changes,
  };
}

/** `count` sources of 1 Jy, ids 1…count, along a parallel that crosses 0 h. */
export function importGrid(database: CatalogDatabase, count: number): void {
  const lines = Array.from(
    { length: count },
    (_, index) => `S${index + 1},${(index * 0.01 + 359) % 360},${54 + (index % 100) * 0.01},1.0,-0.7`,
  );
  importSources(database, { name: 'grid', csv: ['name,ra_deg,dec_deg,flux_jy,spectral_index', ...lines].join('\n'), at: AT });
}
