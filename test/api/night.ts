/**
 * A night in a real product database, written through the catalog's own repositories: one completed group with an image
 * and two light curves, one that needs attention at step image, one still collecting with an invalid file.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { addAlias } from '../../src/catalog/group-aliases.ts';
import { projectGroup } from '../../src/catalog/group-projection.ts';
import { issueGroup } from '../../src/catalog/groups.ts';
import { setLedgerOutcome } from '../../src/catalog/ledger.ts';
import { recordProduct } from '../../src/catalog/product-record.ts';
import type { CatalogDatabase } from '../../src/catalog/database.ts';
import { insertAttempt } from '../../src/catalog/step-attempts.ts';
import { upsertFile } from '../../src/catalog/subband-files.ts';
import type { GroupProjection, ProductRecord } from '../../src/domain/catalog-command.ts';
import { type GroupId, groupIdSchema, workflowIdOfGroup } from '../../src/domain/group-id.ts';
import { IMAGE_FILE_KINDS } from '../../src/domain/science-result.ts';
import { type StepName, STEPS } from '../../src/domain/step.ts';
import { isoFromUnixMs, secondTextFromUnixMs, unixMsToJd, unixMsToMjd } from '../../src/domain/utc.ts';
import { starFieldPng } from './star-field-png.ts';

const INTEGRATION_S = 12.885;
const INTEGRATIONS = 24;
const GROUP_MS = INTEGRATION_S * INTEGRATIONS * 1000;
const DEC_RAD = 0.9;

export interface Night {
  completed: GroupId;
  needsAttention: GroupId;
  collecting: GroupId;
  imageId: number;
  pngPath: string;
}

export function writeNight(database: CatalogDatabase, outputFolder: string, nowMs: number): Night {
  const [completed, needsAttention, collecting] = [3, 2, 1].map((before) => found(database, nowMs - before * GROUP_MS));
  if (completed === undefined || needsAttention === undefined || collecting === undefined) throw new Error('three groups are founded');
  for (const [index, group] of [completed, needsAttention].entries()) arrive(database, group, range(16), nowMs - (3 - index) * GROUP_MS);
  arrive(database, collecting, range(9), nowMs - 60_000);
  upsertFile(database, {
    ...seenFile(collecting, 9, nowMs),
    status: 'invalid',
    reason: 'V03: truncated, 3 of 24 integrations',
    bytes: 1_048_576,
  });
  addAlias(database, { alias: '2025-10-02T00:05:17', groupId: completed, source: 'sb03' });

  move(database, completed, { state: 'pending', revision: 1 }, nowMs);
  move(database, completed, { state: 'in_progress', step: 'concat', revision: 2 }, nowMs);
  walk(
    database,
    completed,
    STEPS.map((step) => step.name).filter((name) => name !== 'solve'),
    nowMs - 2 * GROUP_MS,
  );
  const pngPath = join(outputFolder, 'images', completed, 'image.png');
  mkdirSync(dirname(pngPath), { recursive: true });
  writeFileSync(pngPath, starFieldPng(480));
  const imageId = recordProduct(database, imageProduct(completed, dirname(pngPath), nowMs - 3 * GROUP_MS), isoFromUnixMs(nowMs - 60_000));
  move(
    database,
    completed,
    { state: 'completed', step: null, completedAt: isoFromUnixMs(nowMs - 2 * GROUP_MS + 240_000), revision: 3 },
    nowMs,
  );
  setLedgerOutcome(database, { groupId: completed, outcome: 'done', reason: 'every step is done', at: isoFromUnixMs(nowMs) });

  move(database, needsAttention, { state: 'pending', revision: 1 }, nowMs);
  move(database, needsAttention, { state: 'in_progress', step: 'image', revision: 2 }, nowMs);
  walk(database, needsAttention, ['collect', 'claimHost', 'stageToScratch', 'concat', 'organize', 'flag', 'calibrate'], nowMs - GROUP_MS);
  const failure = {
    type: 'ToolFailed' as const,
    code: 'WSCleanDiverged',
    message: 'the residual grew in major cycle 4',
    remedy: 'Raise auto_threshold_sigma or lower mgain, then resume from image.',
    sideEffects: 'scratch' as const,
    capsulePath: null,
  };
  for (const attempt of [1, 2]) {
    insertAttempt(database, {
      ...attemptOf(needsAttention, 'image', attempt, nowMs - 90_000 + attempt * 30_000, 21),
      outcome: 'failed',
      failure,
    });
  }
  move(database, needsAttention, { state: 'needs_attention', step: 'image', failedStep: 'image', failure, revision: 3 }, nowMs);
  return { completed, needsAttention, collecting, imageId, pngPath };
}

const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

export function found(database: CatalogDatabase, startMs: number): GroupId {
  const groupId = groupIdSchema.parse(secondTextFromUnixMs(startMs));
  const key = keyAt(startMs);
  return issueGroup(database, { key, groupId, receivedAt: isoFromUnixMs(startMs + 1000) });
}

const keyAt = (startMs: number) => ({
  t0Jd: unixMsToJd(startMs + (INTEGRATION_S * 1000) / 2),
  decRad: DEC_RAD,
  integrationS: INTEGRATION_S,
  integrations: INTEGRATIONS,
});

export function arrive(database: CatalogDatabase, groupId: GroupId, subbands: number[], atMs: number): void {
  for (const subband of subbands) upsertFile(database, seenFile(groupId, subband, atMs + subband * 700));
}

function seenFile(groupId: GroupId, subband: number, atMs: number) {
  return {
    path: `/raw/${groupId}_sb${String(subband).padStart(2, '0')}.hdf5`,
    subband,
    status: 'valid' as const,
    reason: null,
    bytes: 137_000_000 + subband,
    mtimeMs: atMs,
    inode: `${groupId}-${subband}`,
    groupId,
    shownWithGroupId: null,
    nameTimeText: groupId,
    headerT0Mjd: unixMsToMjd(Date.parse(`${groupId}Z`)),
    decDeg: (DEC_RAD * 180) / Math.PI,
    integrations: INTEGRATIONS,
    headerDigest: `${groupId} ${subband}`,
    gridDigest: groupId,
    seenAt: isoFromUnixMs(atMs),
  };
}

/** What the group's workflow would project next. */
export function move(database: CatalogDatabase, groupId: GroupId, changes: Partial<GroupProjection>, nowMs: number): void {
  projectGroup(
    database,
    {
      groupId,
      workflowId: workflowIdOfGroup(groupId),
      runId: `run of ${groupId}`,
      runNumber: 1,
      revision: 1,
      state: 'pending',
      processingStage: 'processing_fresh',
      step: null,
      lane: 'live',
      host: 'host-a',
      expectedSubbands: 16,
      presentSubbands: range(16),
      degradedReasons: [],
      waitingFor: null,
      failure: null,
      failedStep: null,
      hasCalibrator: null,
      key: keyAt(Date.parse(`${groupId}Z`)),
      receivedAt: `${groupId}Z`,
      completedAt: null,
      ...changes,
    },
    isoFromUnixMs(nowMs),
  );
}

function walk(database: CatalogDatabase, groupId: GroupId, steps: StepName[], startMs: number): void {
  for (const [index, step] of steps.entries()) {
    insertAttempt(database, attemptOf(groupId, step, 1, startMs + index * 20_000, step === 'image' ? 61.4 : 3.2 + index));
  }
}

function attemptOf(groupId: GroupId, step: StepName, attempt: number, startMs: number, wallS: number) {
  return {
    groupId,
    runId: `run of ${groupId}`,
    step,
    attempt,
    host: 'host-a',
    startedAt: isoFromUnixMs(startMs),
    endedAt: isoFromUnixMs(startMs + wallS * 1000),
    outcome: 'done' as const,
    note: null,
    failure: null,
    parametersDigest: 'of the defaults',
    resources: { wallS, cpuS: wallS * 1.7, maxRssBytes: 2.1e9 },
    bytesRead: 2.2e9,
    bytesWritten: null,
    timingsS: null,
  };
}

function imageProduct(groupId: GroupId, directory: string, startMs: number): ProductRecord {
  return {
    kind: 'image',
    groupId,
    runId: `run of ${groupId}`,
    runNumber: 1,
    attempt: 1,
    path: directory,
    contentHash: 'sha256:4b1d7e9a0c2f'.padEnd(71, '0'),
    bytes: 46_000_000,
    parameters: { tier: 'standard' },
    software: { wsclean: '3.1' },
    degradedReasons: [],
    inputProductIds: [],
    calibrationSetIds: [],
    how: 'same day',
    image: {
      files: Object.assign(
        Object.fromEntries(IMAGE_FILE_KINDS.map((kind) => [kind, join(directory, `${kind}.fits`)])) as Record<
          (typeof IMAGE_FILE_KINDS)[number],
          string
        >,
        { png: join(directory, 'image.png') },
      ),
      beamMajorArcsec: 14.2,
      beamMinorArcsec: 11.8,
      beamPaDeg: 12,
      noiseJy: 0.00042,
      peakJy: 1.3,
      dynamicRange: 3095,
      centreRaDeg: 202.8,
      centreDecDeg: 51.6,
      widthPx: 2700,
      cellArcsec: 4,
      freqHz: 1.4e9,
      bandwidthHz: 1.875e8,
      midMjd: unixMsToMjd(startMs + GROUP_MS / 2),
      qa: { verdict: 'pass', checks: [{ name: 'noise', passed: true }] },
      timingsS: { clean: 60 },
    },
  };
}
