/** What a superseded product asks for: everything made from it is stale and the smallest set of groups is planned to run again. */
import { recordProduct } from '../../src/catalog/product-record.ts';
import { productById } from '../../src/catalog/products.ts';
import { impactOfRerun, plannedReruns, rerunsOf, settleRerun } from '../../src/catalog/reruns.ts';
import type { GroupId } from '../../src/domain/group-id.ts';
import { AT, type OpenNight, calibrationRecord, foundGroup, imageRecord, msRecord, openNight } from './night.ts';

let night: OpenNight;
let calibrator: GroupId;
let science: GroupId[];
let set: number;
let images: number[];

/** A calibrator group and three science groups calibrated with its set. */
beforeEach(() => {
  night = openNight();
  calibrator = foundGroup(night.database, '2025-10-05T12:00:00Z').groupId;
  science = ['12:10', '12:15', '12:20'].map((at) => foundGroup(night.database, `2025-10-05T${at}:00Z`).groupId);
  const ms = recordProduct(night.database, msRecord(calibrator), AT);
  set = recordProduct(night.database, { ...calibrationRecord(calibrator), inputProductIds: [ms] }, AT);
  images = [calibrator, ...science].map((groupId) =>
    recordProduct(
      night.database,
      imageRecord(groupId, { inputProductIds: [recordProduct(night.database, msRecord(groupId), AT)], calibrationSetIds: [1] }),
      AT,
    ),
  );
});
afterEach(() => night.close());

const planned = () =>
  plannedReruns(night.database, 100).map(({ group_id, from_step, because_of }) => ({ group_id, from_step, because_of }));
const solveAgain = (): number => recordProduct(night.database, calibrationRecord(calibrator, { runNumber: 2 }), AT);

test('a set solved again makes every image of the old one stale and plans each group from calibrate, but not its own', () => {
  const second = solveAgain();
  expect(images.map((id) => productById(night.database, id)?.status)).toEqual(['stale', 'stale', 'stale', 'stale']);
  expect(planned()).toEqual(science.map((group_id) => ({ group_id, from_step: 'calibrate', because_of: second })));
  expect(rerunsOf(night.database, science[0] ?? '')).toMatchObject([
    { status: 'planned', reason: `calibration set (product ${set}) was superseded by product ${second}` },
  ]);
});

test('the Measurement Set of a calibrator group converted again plans nothing until its new set is there', () => {
  const later = { runId: 'run-2', runNumber: 2, path: '/data/products/calibrators/x.v2.ms', contentHash: 'b' };
  recordProduct(night.database, msRecord(calibrator, later), AT);
  expect(productById(night.database, images[2] ?? 0)?.status).toBe('stale');
  expect(planned()).toEqual([]);
  solveAgain();
  expect(planned()).toHaveLength(3);
});

test('telling it again, and a third set, leave one plan a group; a plan that was started is not started twice', () => {
  solveAgain();
  solveAgain();
  recordProduct(night.database, calibrationRecord(calibrator, { runNumber: 3 }), AT);
  expect(planned()).toHaveLength(3);
  const [first] = plannedReruns(night.database, 1);
  for (const answer of ['once', 'twice']) settleRerun(night.database, { id: first?.id ?? 0, status: 'started', answer, at: AT });
  expect(planned()).toHaveLength(2);
  expect(rerunsOf(night.database, science[0] ?? '')).toMatchObject([{ status: 'started', answer: 'once' }]);
});

test('stale marks and plans are one transaction: when the plan cannot be written, nothing is superseded', () => {
  night.database.exec(`CREATE TRIGGER no_plans BEFORE INSERT ON reruns BEGIN SELECT RAISE(ABORT, 'told to fail'); END`);
  expect(solveAgain).toThrow('told to fail');
  expect(productById(night.database, set)?.status).toBe('current');
  expect(images.map((id) => productById(night.database, id)?.status)).toEqual(Array.from({ length: 4 }, () => 'current'));
});

test.each([
  ['closer by more than the gain asked for', 0.5, 3],
  ['closer by less', 5, 0],
])('a new set of another calibrator that is %s plans %d h → %d groups', (_, closerByHours, groups) => {
  const later = foundGroup(night.database, '2025-10-05T12:25:00Z').groupId;
  const midMjd = 60_953.5175;
  const far = calibrationRecord(later, { midMjd: 60_953.515 });
  // The set the images were made with is moved two hours away.
  night.database.exec('UPDATE calibration_sets SET mid_mjd = mid_mjd - 2.0 / 24 WHERE id = 1');
  recordProduct(night.database, { ...far, solve: { ...far.solve, midMjd } }, AT, { closerByHours, stripToleranceDeg: 5 });
  expect(planned().filter(({ group_id }) => science.includes(group_id))).toHaveLength(groups);
  expect(images.map((id) => productById(night.database, id)?.status)).toEqual(Array.from({ length: 4 }, () => 'current'));
});

describe('a group that took a provisional set', () => {
  const strip = { stripToleranceDeg: 5 };
  const laterSet = () =>
    recordProduct(
      night.database,
      calibrationRecord(foundGroup(night.database, '2025-10-05T12:25:00Z').groupId, { midMjd: 60_953.52 }),
      AT,
      strip,
    );

  test('runs again from calibrate when a set comes that is valid for it; the others stay', () => {
    const [first] = science;
    night.database.exec(`UPDATE images SET calibration_how = 'provisional' WHERE group_id = '${first}'`);
    const valid = laterSet();
    expect(planned()).toEqual([{ group_id: first, from_step: 'calibrate', because_of: valid }]);
  });

  test('runs again, too, when the set came while it was imaged', () => {
    const valid = laterSet();
    expect(planned()).toEqual([]);
    const late = foundGroup(night.database, '2025-10-05T12:35:00Z').groupId;
    recordProduct(night.database, { ...imageRecord(late, { calibrationSetIds: [1] }), how: 'provisional' }, AT, strip);
    expect(planned()).toEqual([{ group_id: late, from_step: 'calibrate', because_of: valid }]);
    for (const { id } of plannedReruns(night.database, 10)) settleRerun(night.database, { id, status: 'started', answer: 'taken', at: AT });
    const again = { ...imageRecord(late, { calibrationSetIds: [1], runId: 'run-2', runNumber: 2, path: '/data/products/images/again' }) };
    recordProduct(night.database, { ...again, how: 'provisional' }, AT, strip);
    expect(planned()).toEqual([]);
  });
});

test('the impact of a rerun is told without changing anything', () => {
  const before = night.database.prepare('SELECT * FROM products').all();
  const { supersedes, makesStale } = impactOfRerun(night.database, calibrator, 'solve');
  expect(supersedes.map(({ kind }) => kind)).toEqual(['calibration_set', 'image']);
  expect(makesStale.map(({ group_id }) => group_id)).toEqual(science);
  expect(impactOfRerun(night.database, calibrator, 'calibrate')).toMatchObject({ supersedes: [{ kind: 'image' }], makesStale: [] });
  expect(night.database.prepare('SELECT * FROM products').all()).toEqual(before);
});
