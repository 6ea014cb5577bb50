/** Raw files: one row a version, and the members a group has now. */
import { setStorageLocations } from '../../src/catalog/storage-locations.ts';
import { fileByPath, filesOfGroup, markAnnounced, markFile, membersOf, unannounced, upsertFile } from '../../src/catalog/subband-files.ts';
import type { GroupId } from '../../src/domain/group-id.ts';
import { AT, type OpenNight, deliver, foundGroup, openNight, seenFile } from './night.ts';

let night: OpenNight;
let groupId: GroupId;
beforeEach(() => {
  night = openNight();
  groupId = foundGroup(night.database, '2025-10-05T12:30:00Z').groupId;
});
afterEach(() => night.close());

const count = (): unknown => night.database.prepare('SELECT COUNT(*) FROM subband_files').pluck().get();

test('looking again at an unchanged file updates its row and keeps what was announced', () => {
  const id = upsertFile(night.database, seenFile(groupId, 3));
  markAnnounced(night.database, id, AT);
  expect(upsertFile(night.database, seenFile(groupId, 3, { seenAt: '2025-10-05T13:01:00.000Z' }))).toBe(id);
  expect(count()).toBe(1);
  expect(fileByPath(night.database, seenFile(groupId, 3).path)).toMatchObject({
    first_seen_at: AT,
    last_seen_at: '2025-10-05T13:01:00.000Z',
    announced_at: AT,
  });
});

test('a replaced file is a new version; the one before stays as superseded', () => {
  upsertFile(night.database, seenFile(groupId, 3));
  upsertFile(night.database, seenFile(groupId, 3, { inode: '77', headerDigest: 'other' }));
  expect(count()).toBe(2);
  expect(fileByPath(night.database, seenFile(groupId, 3).path)).toMatchObject({ inode: '77', status: 'valid', announced_at: null });
  expect(filesOfGroup(night.database, groupId).map((file) => file.status)).toEqual(['superseded', 'valid']);
});

test('an original that was moved away and comes back is the file again, and is told again', () => {
  const original = seenFile(groupId, 3);
  markAnnounced(night.database, upsertFile(night.database, original), AT);
  markAnnounced(night.database, upsertFile(night.database, { ...original, inode: '77', headerDigest: 'other' }), AT);
  upsertFile(night.database, original);
  expect(count()).toBe(2);
  expect(fileByPath(night.database, original.path)).toMatchObject({ inode: '9003', status: 'valid', announced_at: null });
  expect(membersOf(night.database, groupId).map(({ inode }) => inode)).toEqual(['9003']);
});

test('a file that grows under its final name has one row, which follows it', () => {
  const growing = seenFile(groupId, 3, { status: 'settling', reason: 'Truncated', headerDigest: null, gridDigest: null });
  for (const bytes of [100, 200, 300]) upsertFile(night.database, { ...growing, bytes, mtimeMs: growing.mtimeMs + bytes });
  expect(count()).toBe(1);
  upsertFile(night.database, seenFile(groupId, 3));
  expect(count()).toBe(1);
  expect(fileByPath(night.database, growing.path)).toMatchObject({ status: 'valid', bytes: 1003 });
});

test('members are valid, one a subband, the newest where two are valid', () => {
  deliver(night.database, groupId, [2, 0, 1]);
  upsertFile(night.database, seenFile(groupId, 1, { path: '/data/incoming/again/x_sb01.hdf5', mtimeMs: 1_759_667_500_000, inode: '5' }));
  upsertFile(night.database, seenFile(groupId, 4, { status: 'invalid', reason: 'Truncated' }));
  markFile(night.database, seenFile(groupId, 2).path, 'missing', 'removed by others');
  const members = membersOf(night.database, groupId);
  expect(members.map((member) => [member.subband, member.path])).toEqual([
    [0, `/data/incoming/${groupId}_sb00.hdf5`],
    [1, '/data/incoming/again/x_sb01.hdf5'],
  ]);
  expect(members[0]).toMatchObject({ bytes: 1000, mtimeMs: 1_759_667_400_123.456, inode: '9000', integrations: 24 });
});

test('a file whose header says nothing is shown with its group and is no member', () => {
  upsertFile(
    night.database,
    seenFile(null, 5, { path: '/data/incoming/y_sb05.hdf5', status: 'invalid', reason: 'MarkedCorrupt', shownWithGroupId: groupId }),
  );
  expect(filesOfGroup(night.database, groupId)).toMatchObject([{ subband: 5, status: 'invalid', reason: 'MarkedCorrupt' }]);
  expect(membersOf(night.database, groupId)).toEqual([]);
});

test('members wait for their announcement in order of arrival', () => {
  deliver(night.database, groupId, [7, 3]);
  const waiting = unannounced(night.database, { afterId: 0, limit: 100 });
  expect(waiting.map((file) => file.subband)).toEqual([7, 3]);
  for (const file of waiting) markAnnounced(night.database, file.id, AT);
  expect(unannounced(night.database, { afterId: 0, limit: 100 })).toEqual([]);
});

test('a moved disk is one update: paths follow their storage location', () => {
  deliver(night.database, groupId, [0]);
  setStorageLocations(night.database, { input: '/mnt/new/incoming/' });
  expect(membersOf(night.database, groupId)[0]?.path).toBe(`/mnt/new/incoming/${groupId}_sb00.hdf5`);
});

test('a path under no storage location is kept whole', () => {
  upsertFile(night.database, seenFile(groupId, 0, { path: '/elsewhere/x_sb00.hdf5' }));
  expect(fileByPath(night.database, '/elsewhere/x_sb00.hdf5')).toMatchObject({ location: 'filesystem', path: '/elsewhere/x_sb00.hdf5' });
});

test('a storage location named later takes over the files under it, so that none looks new', () => {
  const path = '/archive/2025/x_sb00.hdf5';
  const id = upsertFile(night.database, seenFile(groupId, 0, { path }));
  setStorageLocations(night.database, { archive: '/archive' });
  expect(fileByPath(night.database, path)).toMatchObject({ id, location: 'archive', path });
  expect(upsertFile(night.database, seenFile(groupId, 0, { path }))).toBe(id);
});
