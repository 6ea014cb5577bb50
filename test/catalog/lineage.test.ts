/** From a light-curve point to the bytes of raw files, and back: every hash on the way is that of a file on disk. */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { listCandidates } from '../../src/catalog/candidates.ts';
import { projectGroup } from '../../src/catalog/group-projection.ts';
import { lightCurveOf } from '../../src/catalog/light-curve.ts';
import { lineageNode } from '../../src/catalog/lineage-node.ts';
import { type Lineage, walkLineage } from '../../src/catalog/lineage-walk.ts';
import { recordBatch } from '../../src/catalog/measurements.ts';
import { recordProduct } from '../../src/catalog/product-record.ts';
import { insertAttempt } from '../../src/catalog/step-attempts.ts';
import { upsertFile } from '../../src/catalog/subband-files.ts';
import type { GroupId } from '../../src/domain/group-id.ts';
import type { LineageDirection, LineageKind } from '../../src/domain/lineage.ts';
import {
  AT,
  attempt,
  calibrationRecord,
  foundGroup,
  imageRecord,
  importGrid,
  msRecord,
  type OpenNight,
  openNight,
  projection,
  seenFile,
} from './night.ts';

let night: OpenNight;
beforeEach(() => {
  night = openNight();
  importGrid(night.database, 1);
});
afterEach(() => night.close());

const sha256 = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');

/** A group with two raw files on disk and its Measurement Set. */
function converted(startedAt: string): { groupId: GroupId; ms: number; paths: string[] } {
  const { groupId, key } = foundGroup(night.database, startedAt);
  projectGroup(night.database, projection(groupId, key), AT);
  const inputs = [0, 1].map((subband) => {
    const path = join(night.folder, `${groupId}_sb0${subband}.hdf5`);
    writeFileSync(path, `visibilities of ${groupId}, subband ${subband}`);
    const bytes = readFileSync(path).length;
    upsertFile(night.database, seenFile(groupId, subband, { path, bytes }));
    // Conversion reads a staged copy, under another path.
    return { path: `/scratch/${subband}.hdf5`, subband, bytes, sha256: sha256(path) };
  });
  const ms = recordProduct(night.database, msRecord(groupId, { concat: { ...msRecord(groupId).concat, inputs } }), AT);
  return { groupId, ms, paths: [0, 1].map((subband) => join(night.folder, `${groupId}_sb0${subband}.hdf5`)) };
}

/** A science group calibrated with the set of another group, imaged and measured. */
function measured() {
  const calibrator = converted('2025-10-05T10:00:00Z');
  const set = recordProduct(night.database, { ...calibrationRecord(calibrator.groupId), inputProductIds: [calibrator.ms] }, AT);
  const science = converted('2025-10-05T12:00:00Z');
  const image = recordProduct(
    night.database,
    imageRecord(science.groupId, { inputProductIds: [science.ms, set], software: { wsclean: '3.6' }, parameters: { robust: 0 } }),
    AT,
  );
  insertAttempt(night.database, attempt(science.groupId, { step: 'image', parametersDigest: 'digest of image' }));
  insertAttempt(night.database, attempt(science.groupId, { step: 'photometry', parametersDigest: 'digest of photometry' }));
  const line = { sourceId: 1, mjd: 60_953.5, fluxJy: 1, errorJy: 0.01, localRmsJy: 0.01, snr: 100, pbResponse: 1, chi2: 1 };
  recordBatch(night.database, {
    groupId: science.groupId,
    runNumber: 1,
    imageProductId: image,
    digest: 'measurements file',
    degradedReasons: [],
    lines: [{ ...line, kind: 'forced', upperLimit: false, flags: [] }],
    at: AT,
  });
  return { calibrator, set, science, image, point: lightCurveOf(night.database, 1)[0]?.id ?? 0 };
}

function walk(kind: LineageKind, id: number | string, direction: LineageDirection = 'up', depth?: number): Lineage {
  const lineage = walkLineage(night.database, { kind, id: String(id) }, direction, depth);
  if (lineage === null) throw new Error(`${kind} ${id} is not there`);
  return lineage;
}
const keysOf = (lineage: Lineage): Set<string> => new Set(lineage.nodes.map((node) => node.key));

test('a point leads to its image, the Measurement Set, the calibration set, and the raw files of both groups by their real hashes', () => {
  const { calibrator, set, science, image, point } = measured();
  const lineage = walk('point', point);
  const made = lineage.nodes.filter(({ kind }) => kind !== 'file').map(({ key }) => key);
  expect(new Set(made)).toEqual(
    new Set([`calibration_set/${set}`, `image/${image}`, `ms/${calibrator.ms}`, `ms/${science.ms}`, `point/${point}`]),
  );
  const files = lineage.nodes.filter(({ kind }) => kind === 'file');
  expect(new Set(files.map(({ path }) => path))).toEqual(new Set([...calibrator.paths, ...science.paths]));
  for (const { path, hash } of files) expect(hash).toBe(sha256(path ?? ''));
});

test('each thing says who made it, with what, in which try', () => {
  const { image, point } = measured();
  const { nodes } = walk('point', point);
  expect(nodes.find(({ key }) => key === `image/${image}`)).toMatchObject({
    status: 'current',
    software: { wsclean: '3.6' },
    parameters: { robust: 0 },
    attempts: [{ step: 'image', attempt: 1, outcome: 'done', parameters_digest: 'digest of image' }],
  });
  expect(nodes.find(({ kind }) => kind === 'point')).toMatchObject({
    attempts: [{ step: 'photometry', parameters_digest: 'digest of photometry' }],
    facts: { flux_jy: 1, flux_scale: null, scale_note: expect.stringContaining('3 that agree are needed') },
  });
});

test('a raw file of the calibrator leads forward to the image and the points that depend on it', () => {
  const { calibrator, set, image } = measured();
  const file = walk('ms', calibrator.ms).nodes.find(({ kind }) => kind === 'file');
  const lineage = walk('file', file?.id ?? 0, 'down');
  expect(keysOf(lineage)).toEqual(
    new Set([file?.key, `ms/${calibrator.ms}`, `calibration_set/${set}`, `image/${image}`, 'measurements/1']),
  );
  expect(lineage.edges).toContainEqual({ from: `image/${image}`, to: `calibration_set/${set}` });
});

test('a group stands for its products, a source for its points, a candidate for its source', () => {
  const { science, image, point } = measured();
  expect(keysOf(walk('group', science.groupId, 'up', 1))).toEqual(
    new Set([`group/${science.groupId}`, `image/${image}`, `ms/${science.ms}`]),
  );
  expect(keysOf(walk('source', 1, 'up', 1))).toEqual(new Set([`point/${point}`, 'source/1']));
  expect(keysOf(walk('point', point, 'down'))).toEqual(new Set([`point/${point}`, 'source/1']));
  night.database.exec(
    `INSERT INTO candidates (source_id, preset, found_score, found_at, status) VALUES (1, 'moderate', 9, '${AT}', 'new')`,
  );
  const [candidate] = listCandidates(night.database, null);
  expect(keysOf(walk('source', 1, 'down'))).toEqual(new Set([`candidate/${candidate?.id}`, 'source/1']));
  expect(keysOf(walk('candidate', candidate?.id ?? 0, 'up', 1))).toEqual(new Set([`candidate/${candidate?.id}`, 'source/1']));
});

test('what is not there has no lineage, and a product of another kind is not there', () => {
  const { image } = measured();
  expect(walkLineage(night.database, { kind: 'ms', id: String(image) }, 'up')).toBeNull();
  expect(walkLineage(night.database, { kind: 'point', id: '12x' }, 'up')).toBeNull();
});

test('a calibration set says what it was solved on, and of which imported list and version', () => {
  const [own, other] = [converted('2025-10-05T10:00:00Z'), converted('2025-10-05T11:00:00Z')];
  const imported = calibrationRecord(other.groupId);
  const fallback = { calibrator: 'J0000+504', calibratorKind: 'bright_fallback', calibratorCatalogue: 'vla version 2' } as const;
  const ids = [calibrationRecord(own.groupId), { ...imported, solve: { ...imported.solve, ...fallback } }].map((record) =>
    recordProduct(night.database, record, AT),
  );
  expect(ids.map((id) => lineageNode(night.database, { kind: 'calibration_set', id: String(id) })?.facts)).toMatchObject([
    { calibrator_kind: 'primary', calibrator_catalogue: null },
    { calibrator: 'J0000+504', calibrator_kind: 'bright_fallback', calibrator_catalogue: 'vla version 2' },
  ]);
});
