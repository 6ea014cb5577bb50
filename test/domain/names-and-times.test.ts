import { groupIdFromHeader, groupIdSchema, nextGroupId } from '../../src/domain/group-id.ts';
import { camelCased, snakeCased } from '../../src/domain/spelling.ts';
import { judgeName } from '../../src/domain/subband.ts';
import { jdToMjd, unixMsFromSecondText, unixMsToJd } from '../../src/domain/utc.ts';

describe('a group id', () => {
  test('is the start of the data: half an integration before the first middle, to the nearest second', () => {
    const middle = unixMsToJd(Date.parse('2025-10-02T00:05:24.442Z'));
    expect(groupIdFromHeader(middle, 12.884902)).toBe('2025-10-02T00:05:18');
  });

  test('crosses midnight like any other second', () => {
    expect(nextGroupId(groupIdSchema.parse('2025-12-31T23:59:59'))).toBe('2026-01-01T00:00:00');
  });

  test.each(['2025-10-02 00:05:18', '2025-13-02T00:05:18', '2025-02-30T00:00:00', '2025-10-02T00:05', '', '../etc'])(
    'refuses %j',
    (text) => {
      expect(groupIdSchema.safeParse(text).success).toBe(false);
    },
  );
});

describe('a file name', () => {
  test.each([
    ['2025-10-02T00:05:18_sb00.hdf5', { kind: 'candidate', subband: 0, nameTimeText: '2025-10-02T00:05:18' }],
    ['2025-10-02T00:05:18_sb15.hdf5', { kind: 'candidate', subband: 15, nameTimeText: '2025-10-02T00:05:18' }],
    ['2025-10-02T00:05:18_sb16.hdf5', { kind: 'foreign' }],
    ['2025-10-02T00:61:18_sb01.hdf5', { kind: 'foreign' }],
    ['2025-10-02T00:05:18_sb03_incomplete.hdf5', { kind: 'incomplete' }],
    ['2025-10-02T00:05:18_sb03.hdf5.corrupted', { kind: 'marked-corrupt', subband: 3, nameTimeText: '2025-10-02T00:05:18' }],
    ['.2025-10-02T00:05:18_sb03.hdf5.Xa3Qr1', { kind: 'copy-in-progress' }],
    ['2025-10-02T00:05:18_sb03.hdf5~', { kind: 'copy-in-progress' }],
    ['notes.txt', { kind: 'foreign' }],
  ])('%s is judged', (name, verdict) => {
    expect(judgeName(name)).toEqual(verdict);
  });
});

describe('times', () => {
  test('a Julian date and its text agree', () => {
    expect(jdToMjd(unixMsToJd(Date.parse('2000-01-01T12:00:00Z')))).toBe(51_544.5);
  });
  test('text without a zone is UTC', () => {
    expect(unixMsFromSecondText('1970-01-01T00:00:01')).toBe(1000);
  });
});

describe('spelling', () => {
  test('renames keys both ways and leaves data alone', () => {
    const inside = { groupId: 'aB', nested: [{ midMjd: 1, 'DSA-104': { fluxJy: 2 } }] };
    const outside = { group_id: 'aB', nested: [{ mid_mjd: 1, 'DSA-104': { flux_jy: 2 } }] };
    expect(snakeCased(inside)).toEqual(outside);
    expect(camelCased(outside)).toEqual(inside);
  });
});
