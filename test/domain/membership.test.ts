import { assert, property, shuffledSubarray } from 'fast-check';
import type { SubbandArrival } from '../../src/domain/arrival.ts';
import { arrivalsAfterReading, chooseMembers } from '../../src/domain/membership.ts';

const arrival = (subband: number, changes: Partial<SubbandArrival> = {}): SubbandArrival => ({
  path: `/in/sb${subband}`,
  subband,
  bytes: 100,
  mtimeMs: 1000,
  inode: '1',
  headerDigest: `header ${subband}`,
  gridDigest: 'grid',
  integrations: 24,
  ...changes,
});
const full = Array.from({ length: 16 }, (_, subband) => arrival(subband));

describe('members of a group', () => {
  test('are one file a subband, in subband order, with the missing ones named', () => {
    const { members, missing } = chooseMembers([arrival(3), arrival(0), arrival(1)], 4);
    expect(members.map((member) => member.subband)).toEqual([0, 1, 3]);
    expect(missing).toEqual([2]);
  });

  test('the newest of two files with other content wins its subband', () => {
    const rival = arrival(5, { path: '/in/again', headerDigest: 'other', mtimeMs: 2000 });
    expect(chooseMembers([...full, rival], 16).members[5]).toBe(rival);
    expect(chooseMembers([rival, ...full], 16).members[5]).toBe(rival);
  });

  test('a second copy with the same content changes nothing, however new it is', () => {
    const copy = arrival(5, { path: '/in/copy', mtimeMs: 9000 });
    expect(chooseMembers([...full, copy], 16).members[5]).toBe(full[5]);
  });

  test('a file whose grid disagrees with the majority is left out and its subband is missing', () => {
    const foreign = arrival(7, { gridDigest: 'other grid' });
    const choice = chooseMembers([...full.filter((file) => file.subband !== 7), foreign], 16);
    expect(choice.foreign).toEqual([foreign]);
    expect(choice.missing).toEqual([7]);
  });

  test('do not depend on the order of arrival', () => {
    const files = [
      ...full,
      arrival(2, { path: '/in/b', headerDigest: 'b', mtimeMs: 5 }),
      arrival(9, { path: '/in/c', gridDigest: 'x', mtimeMs: 2000, headerDigest: 'c' }),
    ];
    const expected = chooseMembers(files, 16);
    assert(
      property(shuffledSubarray(files, { minLength: files.length }), (order) => {
        expect(chooseMembers(order, 16)).toEqual(expected);
      }),
    );
  });
});

describe('the list of arrivals, read while files arrive', () => {
  const byPath = (...files: SubbandArrival[]): Map<string, SubbandArrival> => new Map(files.map((file) => [file.path, file]));

  test('keeps a file that was announced during the reading and is not in the list', () => {
    const after = arrivalsAfterReading([arrival(0)], byPath(arrival(0)), byPath(arrival(0), arrival(1)));
    expect([...after.values()].map(({ subband }) => subband)).toEqual([0, 1]);
  });

  test('forgets one that was announced before and is in the list no more', () => {
    const before = byPath(arrival(0), arrival(1));
    expect([...arrivalsAfterReading([arrival(0)], before, new Map(before)).keys()]).toEqual(['/in/sb0']);
  });
});
