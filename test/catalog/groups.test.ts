/** Groups: ids are issued once, names resolve without guessing, and projections apply in order whatever order they come in. */
import { addAlias, resolveGroup } from '../../src/catalog/group-aliases.ts';
import { projectGroup } from '../../src/catalog/group-projection.ts';
import { findGroupByKey, groupById, issueGroup, keyOfGroup, listGroups } from '../../src/catalog/groups.ts';
import { ledgerBetween } from '../../src/catalog/ledger.ts';
import { groupIdSchema } from '../../src/domain/group-id.ts';
import { AT, type OpenNight, foundGroup, keyStartingAt, openNight, projection } from './night.ts';

let night: OpenNight;
beforeEach(() => {
  night = openNight();
});
afterEach(() => night.close());

const halfIntegrationJd = 12.884902 / 2 / 86_400;

test('a group is founded collecting, with an open ledger row', () => {
  const { groupId, key } = foundGroup(night.database, '2025-10-05T12:30:00Z');
  expect(groupId).toBe('2025-10-05T12:30:00');
  const row = groupById(night.database, groupId);
  expect(row).toMatchObject({ state: 'collecting', workflow_id: 'group/2025-10-05T12:30:00', run_id: null, observed_at: `${groupId}Z` });
  // Through MJD exactly; through degrees to the last bits of a double.
  if (row === null) throw new Error('not founded');
  expect(keyOfGroup(row).t0Jd).toBe(key.t0Jd);
  expect(Math.abs(keyOfGroup(row).decRad - key.decRad)).toBeLessThan(1e-14);
  expect(ledgerBetween(night.database, '2025-10-05', '2025-10-06')).toMatchObject([{ group_id: groupId, outcome: 'pending' }]);
});

test('the same key is the same group; another key on the same second gets the next one and an alias', () => {
  const first = foundGroup(night.database, '2025-10-05T12:30:00Z');
  expect(foundGroup(night.database, '2025-10-05T12:30:00Z').groupId).toBe(first.groupId);
  const other = foundGroup(night.database, '2025-10-05T12:30:00Z', 0.3);
  expect(other.groupId).toBe('2025-10-05T12:30:01');
  expect(resolveGroup(night.database, '2025-10-05T12:30:00')).toEqual({ kind: 'found', groupId: first.groupId });
});

test('membership goes by distance: half an integration and the same declination', () => {
  const { groupId, key } = foundGroup(night.database, '2025-10-05T12:30:00Z');
  const find = (offsetS: number, decOffsetRad: number): string | undefined =>
    findGroupByKey(night.database, { t0Jd: key.t0Jd + offsetS / 86_400, decRad: key.decRad + decOffsetRad, halfIntegrationJd })?.group_id;
  expect(find(0, 0)).toBe(groupId);
  expect(find(6.4, 0)).toBe(groupId);
  expect(find(-6.4, 5e-8)).toBe(groupId);
  expect(find(6.5, 0)).toBeUndefined();
  expect(find(0, 2e-7)).toBeUndefined();
});

test('an alias answers the group; one that fits two groups is ambiguous', () => {
  const one = foundGroup(night.database, '2025-10-05T12:30:00Z').groupId;
  const two = foundGroup(night.database, '2025-10-05T12:35:09Z').groupId;
  addAlias(night.database, { alias: '2025-10-05T12:30:02', groupId: one, source: 'a_sb00.hdf5' });
  addAlias(night.database, { alias: '2025-10-05T12:30:02', groupId: one, source: 'a_sb01.hdf5' });
  expect(resolveGroup(night.database, '2025-10-05T12:30:02')).toEqual({ kind: 'found', groupId: one });
  addAlias(night.database, { alias: '2025-10-05T12:30:02', groupId: two, source: 'b_sb00.hdf5' });
  expect(resolveGroup(night.database, '2025-10-05T12:30:02Z')).toEqual({ kind: 'ambiguous', groupIds: [one, two] });
  expect(resolveGroup(night.database, '2031-01-01T00:00:00')).toEqual({ kind: 'unknown' });
});

test('a projection that comes late or twice changes nothing', () => {
  const { groupId, key } = foundGroup(night.database, '2025-10-05T12:30:00Z');
  const write = (changes: Parameters<typeof projection>[2]): boolean => projectGroup(night.database, projection(groupId, key, changes), AT);
  expect(write({ revision: 1 })).toBe(true);
  expect(write({ revision: 2, state: 'pending' })).toBe(true);
  expect(write({ revision: 2, state: 'pending' })).toBe(false);
  expect(write({ revision: 1 })).toBe(false);
  expect(groupById(night.database, groupId)).toMatchObject({ state: 'pending', revision: 2 });
});

test('a newer run takes over, also at revision 1 and over an open state; the older one never writes again', () => {
  const { groupId, key } = foundGroup(night.database, '2025-10-05T12:30:00Z');
  const write = (changes: Parameters<typeof projection>[2]): boolean => projectGroup(night.database, projection(groupId, key, changes), AT);
  write({ revision: 1, state: 'pending' });
  write({ revision: 2, state: 'in_progress', step: 'image' });
  expect(write({ runId: 'run-2', runNumber: 2, revision: 1, state: 'collecting' })).toBe(true);
  expect(write({ revision: 99, state: 'completed' })).toBe(false);
  // Temporal's reset: another run id under the same number.
  expect(write({ runId: 'run-2b', runNumber: 2, revision: 1, state: 'pending' })).toBe(true);
  expect(write({ runId: 'run-2', runNumber: 2, revision: 50, state: 'completed' })).toBe(false);
  expect(groupById(night.database, groupId)).toMatchObject({ run_id: 'run-2b', state: 'pending' });
});

test('an illegal move is refused by the database itself; a gap of revisions may jump', () => {
  const { groupId, key } = foundGroup(night.database, '2025-10-05T12:30:00Z');
  const write = (changes: Parameters<typeof projection>[2]): boolean => projectGroup(night.database, projection(groupId, key, changes), AT);
  write({ revision: 1 });
  expect(() => write({ revision: 2, state: 'completed' })).toThrow(/illegal move/);
  expect(() => night.database.exec(`UPDATE groups SET state = 'completed'`)).toThrow(/illegal move/);
  expect(() => night.database.exec(`UPDATE groups SET state = 'asleep'`)).toThrow(/illegal move|CHECK/);
  expect(groupById(night.database, groupId)?.state).toBe('collecting');
  expect(write({ revision: 9, state: 'completed', completedAt: AT })).toBe(true);
});

test('a database rebuilt from its workflows founds the groups it hears of', () => {
  const key = keyStartingAt('2025-10-05T12:30:00Z');
  const groupId = groupIdSchema.parse('2025-10-05T12:30:00');
  expect(projectGroup(night.database, projection(groupId, key, { revision: 7, state: 'in_progress' }), AT)).toBe(true);
  expect(groupById(night.database, groupId)).toMatchObject({ state: 'in_progress', revision: 7 });
  expect(issueGroup(night.database, { key, groupId, receivedAt: AT })).toBe(groupId);
});

test('the listing filters before it limits, newest first, and goes on after a group', () => {
  const ids = ['12:30:00', '12:35:09', '12:40:18', '12:45:27'].map((time) => foundGroup(night.database, `2025-10-05T${time}Z`).groupId);
  const page = listGroups(night.database, { limit: 2, state: 'collecting' });
  expect(page).toMatchObject({ total: 4, groups: [{ group_id: ids[3] }, { group_id: ids[2] }] });
  expect(listGroups(night.database, { limit: 2, before: ids[2] }).groups.map((row) => row.group_id)).toEqual([ids[1], ids[0]]);
  expect(listGroups(night.database, { limit: 9, start: '2025-10-05T12:35:09Z', end: '2025-10-05T12:45:27Z' }).total).toBe(2);
  expect(listGroups(night.database, { limit: 9, state: 'completed' })).toEqual({ groups: [], total: 0 });
  expect(listGroups(night.database, { limit: 9, decDeg: 54.5, degraded: false }).total).toBe(4);
});
