/** Which calibration set a group gets, and what an operator is told of the others. */
import { chooseCalibration } from '../../src/catalog/calibration-choice.ts';
import { goodSetNear } from '../../src/catalog/calibration-sets.ts';
import { recordProduct } from '../../src/catalog/product-record.ts';
import { AT, type OpenNight, type SolvedSet, calibrationRecord, foundGroup, openNight } from './night.ts';

let night: OpenNight;
beforeEach(() => {
  night = openNight();
});
afterEach(() => night.close());

const NOON = 60_953.5;
const question = { midMjd: NOON, decDeg: 54.57, validityHours: 12, stripToleranceDeg: 5, provisional: false };
let founded = 0;
/** Answers the id of the set. */
function solve(hoursFromNoon: number, solved: Partial<SolvedSet> = {}): number {
  founded += 1;
  const { groupId } = foundGroup(night.database, new Date(Date.parse('2025-10-05T12:00:00Z') + founded * 309_000).toISOString());
  const productId = recordProduct(night.database, calibrationRecord(groupId, { midMjd: NOON + hoursFromNoon / 24, ...solved }), AT);
  return Number(night.database.prepare('SELECT id FROM calibration_sets WHERE product_id = ?').pluck().get(productId));
}
const chosen = (changes = {}): { ids: number[]; how: string } => {
  const choice = chooseCalibration(night.database, { ...question, ...changes });
  return { ids: choice.sets.map((set) => set.id), how: choice.how };
};

test('without any set there is none', () => {
  expect(chooseCalibration(night.database, question)).toEqual({ sets: [], how: 'none', rejected: [] });
});

test('two sets that bracket the group are both taken, earlier first; a farther one is left', () => {
  const after = solve(5);
  const before = solve(-2);
  const far = solve(-8);
  const choice = chooseCalibration(night.database, question);
  expect(choice.sets.map((set) => set.id)).toEqual([before, after]);
  expect(choice.how).toBe('bracketed');
  expect(choice.rejected).toEqual([{ id: far, reason: expect.stringContaining('a nearer set was taken') }]);
});

test.each([-3, 3])('one valid set %i h away is taken alone', (hours) => {
  expect(chosen()).toEqual({ ids: [], how: 'none' });
  const set = solve(hours);
  expect(chosen()).toEqual({ ids: [set], how: 'same-day' });
});

test('tables come in the order they are applied, with absolute paths', () => {
  solve(1);
  expect(chooseCalibration(night.database, question).sets[0]?.tables).toEqual([
    { type: 'BP', order: 1, path: expect.stringMatching(/^\/data\/products\/caltables\/.*\/bp$/) },
    { type: 'GP', order: 2, path: expect.stringMatching(/\/gp$/) },
  ]);
});

test('a set solved on the group itself is used alone', () => {
  solve(-2);
  const own = solve(0.01);
  expect(chosen()).toEqual({ ids: [own], how: 'same-group' });
});

test('sets against different reference antennas are never interpolated', () => {
  const near = solve(-1, { referenceAntenna: '105' });
  solve(2, { referenceAntenna: '108' });
  expect(chosen()).toEqual({ ids: [near], how: 'same-day' });
});

test('another declination strip, a failed gate and a set out of its validity are refused with their reason', () => {
  const otherStrip = solve(-1, { decDeg: 16.27 });
  const failed = solve(-2, { passed: false });
  const old = solve(-13);
  const choice = chooseCalibration(night.database, question);
  expect(choice.sets).toEqual([]);
  expect(choice.rejected).toEqual([
    { id: otherStrip, reason: expect.stringMatching(/other declination strip.*38\.30° away/) },
    { id: failed, reason: expect.stringContaining('median SNR 4 is below 10') },
    { id: old, reason: expect.stringMatching(/13\.0 h before the group/) },
  ]);
});

test('the edges of strip and validity belong to the set', () => {
  const set = solve(-6, { decDeg: 50 });
  expect(chosen({ decDeg: 55 })).toEqual({ ids: [set], how: 'same-day' });
  expect(chosen({ decDeg: 55.01 }).ids).toEqual([]);
  expect(chosen({ validityHours: 5.9 }).ids).toEqual([]);
  // A longer policy does not lengthen what the set was registered with.
  expect(chosen({ midMjd: NOON + 8 / 24, validityHours: 48 }).ids).toEqual([]);
});

test('a superseded set is no longer offered', () => {
  const { groupId } = foundGroup(night.database, '2025-10-06T03:00:00Z');
  recordProduct(night.database, calibrationRecord(groupId, { midMjd: NOON }), AT);
  recordProduct(night.database, calibrationRecord(groupId, { midMjd: NOON, runNumber: 2 }), AT);
  const choice = chooseCalibration(night.database, question);
  expect(choice.sets.map((set) => set.tables[0]?.path)).toEqual([expect.stringContaining('.v2/')]);
  expect(choice.rejected).toEqual([{ id: expect.any(Number), reason: 'it is retired, not active' }]);
});

test('when none is valid and none came, the nearest good set of the strip will do, alone and called provisional', () => {
  const [before, , after] = [solve(-30), solve(-29, { decDeg: 16.27 }), solve(40)];
  expect(chosen()).toEqual({ ids: [], how: 'none' });
  expect(chosen({ validityHours: 72, provisional: true })).toEqual({ ids: [before], how: 'provisional' });
  expect(chosen({ validityHours: 24, provisional: true })).toEqual({ ids: [], how: 'provisional' });
  expect(after).toBeGreaterThan(before);
});

test('new gains are compared with the nearest good set of their strip that another group made, however the clock ran', () => {
  const compared = (changes = {}) =>
    goodSetNear(night.database, { groupId: 'none', midMjd: NOON, decDeg: 54.57, stripToleranceDeg: 5, days: 30, ...changes })?.id ?? null;
  expect(compared()).toBeNull();
  solve(-31 * 24);
  solve(-1, { decDeg: 16.27 });
  solve(-2, { passed: false });
  expect(compared()).toBeNull();
  const yesterday = solve(-24);
  const own = solve(0);
  const { group_id: groupId } = night.database.prepare('SELECT group_id FROM calibration_sets WHERE id = ?').get(own) as {
    group_id: string;
  };
  expect(compared({ groupId })).toBe(yesterday);
});
