/**
 * Files become the same groups in whatever order they arrive, on a real database.
 */
import * as fc from 'fast-check';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openForWriting } from '../../src/catalog/database.ts';
import { listGroups } from '../../src/catalog/groups.ts';
import { fileByPath, membersOf } from '../../src/catalog/subband-files.ts';
import { secondTextFromUnixMs, unixMsFromSecondText } from '../../src/domain/utc.ts';
import { isOutlier, nearestGroup } from '../../src/ingest/name-clock.ts';
import { registerAdmitted } from '../../src/ingest/register.ts';
import { INTEGRATION_S, nameOf, t0JdOf } from './tiny-uvh5.ts';

interface Arriving {
  group: number;
  subband: number;
  jitterS: number;
}

/** The shortest distance of two starts that was ever seen, 295 s, with the narrowest first. */
const STARTS = ['2025-10-02T23:55:00', '2025-10-02T23:59:55', '2025-10-03T00:05:04', '2025-10-03T00:12:00'];

function arrivedAs(arrivals: readonly Arriving[]): Record<string, number[]> {
  const folder = mkdtempSync(join(tmpdir(), 'contimg-grouping-'));
  const { database, close } = openForWriting(join(folder, 'db.sqlite3'), { role: 'watch' });
  try {
    for (const { group, subband, jitterS } of arrivals) {
      const start = STARTS[group] ?? '';
      const nameTimeText = secondTextFromUnixMs((unixMsFromSecondText(start) ?? 0) + jitterS * 1000);
      const file = {
        path: `/in/${nameOf(nameTimeText, subband)}`,
        signature: { inode: String(group * 16 + subband), bytes: 9, mtimeMs: 5 },
        subband,
        nameTimeText,
        seenAt: '2025-10-03T01:00:00.000Z',
      };
      const headerDigest = `${group}/${subband}`;
      const facts = { t0Jd: t0JdOf(start), decRad: 0.65, integrationS: INTEGRATION_S, integrations: 24, headerDigest, gridDigest: 'g' };
      registerAdmitted(database, file, facts, 16);
    }
    const { groups } = listGroups(database, { limit: 200 });
    return Object.fromEntries(groups.map(({ group_id }) => [group_id, membersOf(database, group_id).map(({ subband }) => subband)]));
  } finally {
    close();
    rmSync(folder, { recursive: true });
  }
}

const arrivals = STARTS.flatMap((_, group) =>
  Array.from({ length: 16 }, (__, subband): Arriving => ({ group, subband, jitterS: (subband * 37 * (group + 1)) % 60 })),
);

test('any order of four interleaved groups gives the same four groups, up to a minute of name jitter', () => {
  const whole = Array.from({ length: 16 }, (_, subband) => subband);
  const expected = Object.fromEntries(STARTS.map((start) => [start, whole]));
  const orders = fc.shuffledSubarray(arrivals, { minLength: arrivals.length, maxLength: arrivals.length });
  fc.assert(
    fc.property(orders, (order) => {
      expect(arrivedAs(order)).toEqual(expected);
    }),
    { numRuns: 8 },
  );
});

test('a file whose name lies apart from those of its group is invalid, whether it comes first or last', () => {
  const group = [0, 1, 2, 3].map((subband): Arriving => ({ group: 0, subband, jitterS: subband === 2 ? 400 : subband }));
  for (const order of [group, group.toReversed(), [2, 0, 1, 3].flatMap((index) => group[index] ?? [])]) {
    expect(arrivedAs(order)).toEqual({ [STARTS[0] ?? '']: [0, 1, 3] });
  }
});

test('a file of the same group but half an integration off does not share its grid', () => {
  const folder = mkdtempSync(join(tmpdir(), 'contimg-grouping-'));
  const { database, close } = openForWriting(join(folder, 'db.sqlite3'), { role: 'watch' });
  for (const [subband, offsetS] of [
    [0, 0],
    [1, 0.0005],
    [2, 0.5],
  ] as const) {
    const nameTimeText = '2025-10-02T00:05:19';
    const path = `/in/${nameOf(nameTimeText, subband)}`;
    const file = {
      path,
      signature: { inode: String(subband), bytes: 9, mtimeMs: 5 },
      subband,
      nameTimeText,
      seenAt: '2025-10-03T01:00:00.000Z',
    };
    const t0Jd = t0JdOf('2025-10-02T00:05:18') + offsetS / 86_400;
    registerAdmitted(
      database,
      file,
      { t0Jd, decRad: 0.65, integrationS: INTEGRATION_S, integrations: 24, headerDigest: path, gridDigest: 'g' },
      16,
    );
  }
  const grids = [0, 1, 2].map((subband) => fileByPath(database, `/in/${nameOf('2025-10-02T00:05:19', subband)}`)?.grid_digest === 'g');
  close();
  rmSync(folder, { recursive: true });
  expect(grids).toEqual([true, true, false]);
});

test('a name shows an unread file with the nearest group within two minutes, and with none beyond', () => {
  const groups = [
    { id: 'a', medianMs: 0 },
    { id: 'b', medianMs: 300_000 },
  ];
  expect([119_000, 185_000, 420_001].map((nameMs) => nearestGroup(groups, nameMs))).toEqual(['a', 'b', null]);
});

test('two names say nothing about which of them is wrong', () => {
  expect(isOutlier([0, 500_000])(500_000)).toBe(false);
});
