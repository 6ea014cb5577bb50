/** Products: the same path is the same product, newer supersedes, what depends becomes stale, and nothing is overwritten. */
import { eventsAfter } from '../../src/catalog/events.ts';
import { imageById, imageFiles, listImages } from '../../src/catalog/images.ts';
import { ancestryOf } from '../../src/catalog/lineage.ts';
import { lackingOfGroup, measurementSetsBetween } from '../../src/catalog/ms-index.ts';
import { recordProduct } from '../../src/catalog/product-record.ts';
import { productById, productsOf } from '../../src/catalog/products.ts';
import { StepError } from '../../src/domain/failure.ts';
import type { GroupId } from '../../src/domain/group-id.ts';
import { AT, type OpenNight, calibrationRecord, deliver, foundGroup, imageRecord, msRecord, openNight } from './night.ts';

let night: OpenNight;
let groupId: GroupId;
beforeEach(() => {
  night = openNight();
  groupId = foundGroup(night.database, '2025-10-05T12:30:00Z').groupId;
});
afterEach(() => night.close());

const statusOf = (id: number): string | undefined => productById(night.database, id)?.status;
const dump = (): unknown[] =>
  ['products', 'product_inputs', 'ms_index', 'calibration_sets', 'caltables', 'images', 'image_files', 'calibration_applied', 'events'].map(
    (table) => night.database.prepare(`SELECT * FROM ${table}`).all(),
  );

test('recording a product of any kind again changes nothing', () => {
  const ms = recordProduct(night.database, msRecord(groupId), AT);
  recordProduct(night.database, calibrationRecord(groupId), AT);
  const image = imageRecord(groupId, { inputProductIds: [ms], calibrationSetIds: [1] });
  recordProduct(night.database, image, AT);
  const before = dump();
  for (const record of [msRecord(groupId), calibrationRecord(groupId), image])
    recordProduct(night.database, record, '2025-10-06T00:00:00.000Z');
  expect(dump()).toEqual(before);
});

test('a later run supersedes, and what was made from the superseded one becomes stale until it is made again', () => {
  const ms = recordProduct(night.database, msRecord(groupId), AT);
  const image = recordProduct(night.database, imageRecord(groupId, { inputProductIds: [ms] }), AT);
  const later = { runId: 'run-2', runNumber: 2 };
  const ms2 = recordProduct(night.database, msRecord(groupId, { ...later, path: '/data/products/science/x.v2.ms', contentHash: 'b' }), AT);
  expect(productById(night.database, ms)).toMatchObject({ status: 'superseded', superseded_by: ms2 });
  expect([statusOf(ms2), statusOf(image)]).toEqual(['current', 'stale']);
  expect(eventsAfter(night.database, 0, 100)).toContainEqual(
    expect.objectContaining({ topic: 'product.stale', payload: { product_id: image, because_of: ms } }),
  );
  const image2 = recordProduct(
    night.database,
    imageRecord(groupId, { ...later, path: '/data/products/images/x.v2', contentHash: 'c', inputProductIds: [ms2] }),
    AT,
  );
  expect([statusOf(image), statusOf(image2)]).toEqual(['superseded', 'current']);
  expect(listImages(night.database, { limit: 10 }).map((row) => row.product_id)).toEqual([image2]);
});

test('an older run that reports late is recorded as superseded', () => {
  const newer = recordProduct(
    night.database,
    imageRecord(groupId, { runId: 'run-2', runNumber: 2, path: '/data/products/images/x.v2' }),
    AT,
  );
  const older = recordProduct(night.database, imageRecord(groupId), AT);
  expect(productById(night.database, older)).toMatchObject({ status: 'superseded', superseded_by: newer });
  expect(statusOf(newer)).toBe('current');
});

test('a later attempt of the same run supersedes too', () => {
  const first = recordProduct(night.database, imageRecord(groupId), AT);
  const second = recordProduct(night.database, imageRecord(groupId, { attempt: 2, path: '/data/products/images/x.v2' }), AT);
  expect([statusOf(first), statusOf(second)]).toEqual(['superseded', 'current']);
});

test('a later run that makes the same content again makes that version current again', () => {
  const first = recordProduct(night.database, msRecord(groupId), AT);
  const second = recordProduct(
    night.database,
    msRecord(groupId, { runId: 'run-2', runNumber: 2, path: '/data/products/b.ms', contentHash: 'b' }),
    AT,
  );
  expect(recordProduct(night.database, msRecord(groupId, { runId: 'run-3', runNumber: 3 }), AT)).toBe(first);
  expect([statusOf(first), statusOf(second)]).toEqual(['current', 'superseded']);
  expect(productById(night.database, first)?.superseded_by).toBeNull();
});

test('other content from another run at the same path is a conflict', () => {
  recordProduct(night.database, msRecord(groupId), AT);
  expect(() => recordProduct(night.database, msRecord(groupId, { runId: 'run-2', runNumber: 2, contentHash: 'other' }), AT)).toThrow(
    StepError,
  );
  expect(productsOf(night.database, groupId)).toHaveLength(1);
});

test('a set that fails its gate supersedes nothing', () => {
  const good = recordProduct(night.database, calibrationRecord(groupId), AT);
  const bad = recordProduct(night.database, calibrationRecord(groupId, { runNumber: 2, passed: false }), AT);
  expect([statusOf(good), statusOf(bad)]).toEqual(['current', 'retired']);
  const sets = night.database.prepare('SELECT status FROM calibration_sets ORDER BY id').pluck().all();
  expect(sets).toEqual(['active', 'rejected']);
});

test('lineage leads from an image to its raw files, by their content', () => {
  deliver(night.database, groupId, [0]);
  const ms = recordProduct(night.database, msRecord(groupId), AT);
  const calibration = recordProduct(night.database, calibrationRecord(groupId), AT);
  const image = recordProduct(night.database, imageRecord(groupId, { inputProductIds: [ms], calibrationSetIds: [1] }), AT);
  expect(ancestryOf(night.database, image)).toEqual([
    { product_id: ms, input_product_id: null, input_file_id: 1, input_hash: 'raw-0' },
    { product_id: image, input_product_id: ms, input_file_id: null, input_hash: null },
    { product_id: image, input_product_id: calibration, input_file_id: null, input_hash: null },
  ]);
  expect(measurementSetsBetween(night.database, 60_953, 60_954)).toMatchObject([{ product_id: ms, cal_status: 'applied' }]);
});

test('what a group lacks is told from its current Measurement Set', () => {
  const short = {
    ...msRecord(groupId).concat,
    missing: [
      { subband: 1, integrations: [22, 23] },
      { subband: 2, integrations: [0] },
    ],
  };
  recordProduct(night.database, msRecord(groupId, { concat: short }), AT);
  expect(lackingOfGroup(night.database, groupId)).toEqual(['sb02 is missing', 'sb01 lacks integrations 22-23']);
  const later = { runId: 'run-2', runNumber: 2, path: '/data/products/science/x.v2.ms', contentHash: 'b' };
  recordProduct(night.database, msRecord(groupId, { ...later, concat: { ...short, missing: [] } }), AT);
  expect(lackingOfGroup(night.database, groupId)).toEqual([]);
});

test('an image answers where its files are and how good it is', () => {
  const id = recordProduct(night.database, imageRecord(groupId, { degradedReasons: ['subbands_missing'] }), AT);
  expect(imageFiles(night.database, id).png).toBe(`/data/products/images/${groupId}/${groupId}.img-image.png`);
  expect(imageById(night.database, id)).toMatchObject({ noise_jy: 0.001, qa_verdict: 'pass', degraded_reasons: ['subbands_missing'] });
});
