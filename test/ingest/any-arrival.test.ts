/**
 * A night of groups in any order of arrival: restarts of the correlator with their name jitter, midnight and hour boundaries,
 * short groups and members, a new strip, two directories, copies, rivals, repeats and restarts of the watcher. The same files
 * always end as the same groups under the same ids, each file in exactly one of them, on a real database.
 */
import * as fc from 'fast-check';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openForWriting, type WritableCatalog } from '../../src/catalog/database.ts';
import { aliasesOf, resolveGroup } from '../../src/catalog/group-aliases.ts';
import { listGroups } from '../../src/catalog/groups.ts';
import { fileByPath, filesOfGroup, membersOf } from '../../src/catalog/subband-files.ts';
import { secondTextFromUnixMs, unixMsFromSecondText } from '../../src/domain/utc.ts';
import { registerAdmitted } from '../../src/ingest/register.ts';
import { INTEGRATION_S, nameOf, t0JdOf } from './tiny-uvh5.ts';

interface Recorded {
  start: string;
  decRad: number;
  integrations: number;
  /** Widest distance of two names: 0…2 s in a run, 10…82 s after a restart. */
  spreadS: number;
}

/** 295 s is the shortest distance of two starts ever seen, 309.2 s the cadence, 412…608 s a restart. */
const NIGHT: Recorded[] = [
  { start: '2025-10-02T23:49:46', decRad: 0.65, integrations: 24, spreadS: 1 },
  { start: '2025-10-02T23:54:55', decRad: 0.65, integrations: 16, spreadS: 2 },
  { start: '2025-10-02T23:59:59', decRad: 0.65, integrations: 24, spreadS: 82 },
  { start: '2025-10-03T00:04:54', decRad: 0.65, integrations: 24, spreadS: 22 },
  { start: '2025-10-03T00:10:03', decRad: 0.88, integrations: 24, spreadS: 0 },
  { start: '2025-10-03T00:59:58', decRad: 0.88, integrations: 2, spreadS: 60 },
];

interface Arriving {
  group: number;
  subband: number;
  directory: string;
  path: string;
  nameTimeText: string;
  mtimeMs: number;
  content: string;
  integrations: number;
}

function fileOf(
  group: number,
  subband: number,
  directory: string,
  change: { content?: string; mtimeMs?: number; laterS?: number } = {},
): Arriving {
  const { start, integrations, spreadS } = NIGHT[group] ?? { start: '', integrations: 0, spreadS: 0 };
  const offsetS = ((subband * 37 + group * 11) % (spreadS + 1)) + (change.laterS ?? 0);
  const nameTimeText = secondTextFromUnixMs((unixMsFromSecondText(start) ?? 0) + offsetS * 1000);
  const path = `/in/${directory}/${nameOf(nameTimeText, subband)}`;
  const content = `${group}/${subband}/${change.content ?? 'recorded'}`;
  // One member ends early, as when a node stops.
  const short = subband === 9 && integrations > 20 ? 16 : integrations;
  return { group, subband, directory, path, nameTimeText, mtimeMs: change.mtimeMs ?? 1000 + group, content, integrations: short };
}

const SUBBANDS = Array.from({ length: 16 }, (_, subband) => subband);
/** Low subbands in one directory, high ones in the other; group 3 lacks sb00, group 5 all but three. */
const recorded = NIGHT.flatMap((_, group) =>
  SUBBANDS.filter((subband) => (group === 3 ? subband !== 0 : group === 5 ? subband % 5 === 1 : true)).map((subband) =>
    fileOf(group, subband, subband < 8 ? 'low' : 'high'),
  ),
);
const copies = [fileOf(0, 1, 'high'), fileOf(0, 1, 'third', { laterS: 3 }), fileOf(2, 15, 'low', { mtimeMs: 5000 })];
const rivals = [
  fileOf(1, 4, 'low', { content: 'again', mtimeMs: 9000, laterS: 3 }),
  fileOf(4, 8, 'high', { content: 'older', mtimeMs: 1, laterS: 2 }),
];
const night = [...recorded, ...copies, ...rivals];

let folder = '';
let catalog: WritableCatalog;
const open = (): void => void (catalog = openForWriting(join(folder, 'db.sqlite3'), { role: 'watch' }));

function admitted({ group, subband, path, nameTimeText, mtimeMs, content, integrations }: Arriving): void {
  const { start, decRad } = NIGHT[group] ?? { start: '', decRad: 0 };
  const signature = { inode: path, bytes: 9, mtimeMs };
  const facts = { t0Jd: t0JdOf(start), decRad, integrationS: INTEGRATION_S, integrations, headerDigest: content, gridDigest: 'g' };
  registerAdmitted(catalog.database, { path, signature, subband, nameTimeText, seenAt: '2025-10-03T01:00:00.000Z' }, facts, 16);
}

/** What the night has become: group → subband → content, and the status of every file. */
function outcome(): { groups: Record<string, Record<number, string>>; taken: number } {
  const { groups } = listGroups(catalog.database, { limit: 200 });
  const contentOf = (path: string): string => fileByPath(catalog.database, path)?.header_digest ?? 'none';
  return {
    groups: Object.fromEntries(
      groups.map(({ group_id }) => [
        group_id,
        Object.fromEntries(membersOf(catalog.database, group_id).map(({ subband, path }) => [subband, contentOf(path)])),
      ]),
    ),
    taken: groups.reduce((sum, { group_id }) => sum + new Set(filesOfGroup(catalog.database, group_id).map(({ path }) => path)).size, 0),
  };
}

const expectedGroups = Object.fromEntries(
  NIGHT.map(({ start }, group) => {
    const subbands = [...new Set(recorded.filter((file) => file.group === group).map(({ subband }) => subband))];
    return [
      start,
      Object.fromEntries(
        subbands.map((subband) => [subband, `${group}/${subband}/${group === 1 && subband === 4 ? 'again' : 'recorded'}`]),
      ),
    ];
  }),
);

/** All files in any order, some of them seen again, and the watcher dying in between. */
const anyArrival = fc.record({
  order: fc.shuffledSubarray(night, { minLength: night.length, maxLength: night.length }),
  repeats: fc.array(fc.record({ after: fc.nat(night.length - 1), which: fc.nat(night.length - 1) }), { maxLength: 20 }),
  restarts: fc.array(fc.nat(night.length - 1), { maxLength: 2 }),
});

test('any order, with copies, rivals, repeats and restarts, gives the same groups and loses nothing', () => {
  fc.assert(
    fc.property(anyArrival, ({ order, repeats, restarts }) => {
      folder = mkdtempSync(join(tmpdir(), 'contimg-any-arrival-'));
      open();
      try {
        for (const [position, file] of order.entries()) {
          admitted(file);
          for (const { after, which } of repeats) {
            // Only what has arrived can be seen again.
            const seenAgain = after === position ? order[which % (position + 1)] : undefined;
            if (seenAgain !== undefined) admitted(seenAgain);
          }
          if (restarts.includes(position)) {
            catalog.close();
            open();
          }
        }
        expect(outcome()).toEqual({ groups: expectedGroups, taken: night.length });
        const statuses = Object.groupBy(night, ({ path }) => fileByPath(catalog.database, path)?.status ?? 'none');
        expect(statuses.valid).toHaveLength(recorded.length);
        expect(statuses.duplicate).toHaveLength(copies.length);
        expect(statuses.superseded).toHaveLength(rivals.length);
      } finally {
        catalog.close();
        rmSync(folder, { recursive: true });
      }
    }),
    { numRuns: 12 },
  );
}, 60_000);

test('every name leads to its group, whichever file was first', () => {
  folder = mkdtempSync(join(tmpdir(), 'contimg-any-arrival-'));
  open();
  for (const file of night.toReversed()) admitted(file);
  for (const { group, nameTimeText } of recorded) {
    expect(resolveGroup(catalog.database, nameTimeText)).toEqual({ kind: 'found', groupId: NIGHT[group]?.start });
  }
  const [afterMidnight] = listGroups(catalog.database, { limit: 200 }).groups.filter(({ group_id }) => group_id === '2025-10-02T23:59:59');
  if (afterMidnight === undefined) throw new Error('no group at midnight');
  expect(aliasesOf(catalog.database, afterMidnight.group_id).some(({ alias }) => alias.startsWith('2025-10-03T00:'))).toBe(true);
  catalog.close();
  rmSync(folder, { recursive: true });
});

test('a copy made later than a rival brings its content back, in whatever order the three are seen', () => {
  const first = fileOf(0, 5, 'low', { mtimeMs: 1 });
  const rival = fileOf(0, 5, 'low', { content: 'again', mtimeMs: 2, laterS: 3 });
  const copy = fileOf(0, 5, 'high', { mtimeMs: 3 });
  fc.assert(
    fc.property(fc.shuffledSubarray([first, rival, copy], { minLength: 3 }), (order) => {
      folder = mkdtempSync(join(tmpdir(), 'contimg-any-arrival-'));
      open();
      for (const file of order) admitted(file);
      expect(outcome().groups).toEqual({ [NIGHT[0]?.start ?? '']: { 5: '0/5/recorded' } });
      catalog.close();
      rmSync(folder, { recursive: true });
    }),
    { numRuns: 6 },
  );
});
