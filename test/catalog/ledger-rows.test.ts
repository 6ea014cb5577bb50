/** What single rows of the ledger say: of a lost group, of silence, of a late group, of files without a group, of a schedule. */
import { eventsAfter } from '../../src/catalog/events.ts';
import { annotateRow, historyOf, type LedgerRow, ledgerBetween, setLedgerOutcome } from '../../src/catalog/ledger.ts';
import { currentExpectation } from '../../src/catalog/ledger-expectation.ts';
import { upsertFile } from '../../src/catalog/subband-files.ts';
import type { GroupId } from '../../src/domain/group-id.ts';
import { parsePointingSchedule } from '../../src/domain/pointing-schedule.ts';
import { isoFromUnixMs } from '../../src/domain/utc.ts';
import { type OpenNight, openNight, seenFile } from './night.ts';
import { admit, CADENCE_MS, look, MINUTE_MS, NIGHT_START_MS, type ObservedGroup } from './observed-night.ts';

let night: OpenNight;
beforeEach(() => {
  night = openNight();
});
afterEach(() => night.close());

const rows = (): LedgerRow[] => ledgerBetween(night.database, '2000', '2100');
const unseen = (): Partial<LedgerRow>[] =>
  rows()
    .filter((row) => row.group_id === null)
    .map(({ expected_at, range_end_at, groups, outcome, reason }) => ({ expected_at, range_end_at, groups, outcome, reason }));
const begin = (number: number): number => NIGHT_START_MS + number * CADENCE_MS;
const group = (number: number, changes: Partial<ObservedGroup> = {}): ObservedGroup => ({
  startMs: begin(number),
  arrivesMs: begin(number + 1) + 5000,
  decRad: 0.952,
  isComplete: true,
  ...changes,
});
const observe = (...numbers: number[]): GroupId[] =>
  numbers.map((number) => admit(night.database, group(number), begin(number + 1) + 5000));

test('nothing is expected before two groups', () => {
  observe(0);
  expect(look(night.database, begin(1) + MINUTE_MS)).toMatchObject({
    is_expecting: false,
    basis: 'needs 2 groups',
    cadence_from: 'headers',
  });
  observe(1);
  expect(look(night.database, begin(2) + MINUTE_MS)).toMatchObject({ is_expecting: true, basis: '2 groups' });
  expect(currentExpectation(night.database)?.cadence_s).toBeCloseTo(309.237_67, 4);
});

test('a group that does not come waits until its collecting would have ended, and is missing then', () => {
  observe(0, 1);
  look(night.database, begin(2) + 1000);
  expect(unseen()).toMatchObject([{ outcome: 'pending', reason: 'no file of it yet' }]);
  observe(3);
  look(night.database, begin(3) + 1_900_000);
  expect(unseen()[0]).toMatchObject({ outcome: 'pending' });
  look(night.database, begin(3) + 1_960_000);
  expect(unseen()[0]).toMatchObject({ outcome: 'missing', reason: 'no file of it was seen' });
});

test('silence is one row that grows, is ended by the next group, and stands for so many groups', () => {
  observe(0, 1);
  for (let minute = 0; minute < 60; minute++) look(night.database, begin(2) + minute * MINUTE_MS);
  expect(unseen()).toMatchObject([{ outcome: 'missing', groups: 12, reason: 'no data from correlator' }]);
  expect(look(night.database, begin(2) + 60 * MINUTE_MS)).toMatchObject({ is_expecting: false, basis: 'the telescope is silent' });
  observe(20);
  look(night.database, begin(21) + 10_000);
  expect(unseen().slice(0, 1)).toEqual([
    {
      expected_at: isoFromUnixMs(Math.round(begin(2) / 1000) * 1000).replace('.000Z', 'Z'),
      range_end_at: isoFromUnixMs(Math.round(begin(20) / 1000) * 1000).replace('.000Z', 'Z'),
      groups: 18,
      outcome: 'missing',
      reason: 'no data from correlator',
    },
  ]);
});

test('a group that comes after it was called missing takes its row on, and the row remembers', () => {
  observe(0, 1, 3);
  look(night.database, begin(4));
  look(night.database, begin(4) + 900_000);
  look(night.database, begin(3) + 2_400_000);
  const [hole] = rows().filter((row) => row.group_id === null && row.outcome === 'missing');
  const [groupId] = [admit(night.database, group(2), begin(3) + 3_000_000)];
  setLedgerOutcome(night.database, { groupId, outcome: 'done', reason: 'all enabled steps done', at: isoFromUnixMs(begin(20)) });
  expect(rows().filter((row) => row.group_id === groupId)).toMatchObject([{ id: hole?.id, outcome: 'done' }]);
  expect(historyOf(night.database, hole?.id ?? 0).map(({ outcome, reason }) => [outcome, reason])).toEqual([
    ['pending', 'no file of it yet'],
    ['missing', 'no file of it was seen'],
    ['pending', 'in work'],
  ]);
});

test('a group found inside a silence parts it, and an emptied silence stands for none', () => {
  observe(0, 1, 9);
  look(night.database, begin(10) + 1_000_000);
  expect(unseen()[0]).toMatchObject({ groups: 7, outcome: 'missing' });
  admit(night.database, group(5), begin(14));
  look(night.database, begin(14));
  expect(unseen().filter((row) => row.range_end_at !== null)).toMatchObject([{ groups: 3 }, { groups: 3 }]);
  for (const number of [2, 3, 4]) admit(night.database, group(number), begin(14) + number);
  look(night.database, begin(14) + MINUTE_MS);
  expect(unseen()[0]).toMatchObject({ groups: 0, outcome: 'done', reason: 'every group of this stretch was seen later' });
});

describe('files that get into no group', () => {
  const nameTime = isoFromUnixMs(begin(2) + 2000).slice(0, 19);
  const refused = (subband: number): void => {
    const path = `/data/incoming/${nameTime}_sb${String(subband).padStart(2, '0')}.hdf5`;
    const state = { status: 'invalid' as const, reason: 'Truncated: 1 of 2 MB', nameTimeText: nameTime, headerDigest: null };
    upsertFile(night.database, seenFile(null, subband, { ...state, path, seenAt: isoFromUnixMs(begin(3) + 5000) }));
  };

  test('have a row by the time in their names, that says so and ends skipped', () => {
    refused(3);
    refused(4);
    look(night.database, begin(3) + MINUTE_MS);
    expect(rows()).toMatchObject([{ expected_from: 'name', expected_at: `${nameTime}Z`, outcome: 'pending' }]);
    look(night.database, begin(12));
    expect(rows()).toMatchObject([{ outcome: 'skipped', reason: '2 files by name, none admitted: Truncated 2' }]);
  });

  test('are the group that was expected then, and a good copy takes over', () => {
    observe(0, 1);
    look(night.database, begin(2) + 1000);
    refused(3);
    look(night.database, begin(3) + MINUTE_MS);
    expect(rows()[2]).toMatchObject({ expected_from: 'name', reason: '1 file by name, none admitted: Truncated 1' });
    const [groupId] = observe(2);
    look(night.database, begin(3) + 2 * MINUTE_MS);
    expect(rows()[2]).toMatchObject({ group_id: groupId, expected_from: 'header', outcome: 'pending' });
  });
});

test('a group whose files all went away before its workflow heard of one does not wait for ever', () => {
  const [, groupId = ''] = observe(0, 1);
  night.database.exec(`UPDATE groups SET run_id = NULL WHERE group_id = '${groupId}'`);
  night.database.exec(`UPDATE subband_files SET status = 'missing' WHERE group_id = '${groupId}'`);
  look(night.database, begin(12));
  expect(rows().find((row) => row.group_id === groupId)).toMatchObject({
    outcome: 'skipped',
    reason: expect.stringContaining('went away'),
  });
});

test('the schedule names the strip, and nothing is expected while it says off', () => {
  observe(0, 1);
  const at = (number: number): string => isoFromUnixMs(begin(number) - 10_000);
  const lines = [
    'start_utc,pointing,reason',
    `${at(0)},54.57,`,
    `${at(3)},16.27,`,
    `${at(4)},maintenance,drives of dish 12`,
    `${at(40)},16.27,`,
  ];
  const schedule = parsePointingSchedule(lines.join('\n'));
  for (let minute = 0; minute < 150; minute++) look(night.database, begin(2) + minute * MINUTE_MS, { schedule });
  // The group before the maintenance would not have been whole.
  expect(rows().filter((row) => row.group_id === null)).toMatchObject([{ dec_deg: 54.57, range_end_at: expect.any(String), groups: 1 }]);
  look(night.database, begin(46) + 1000, { schedule });
  expect(rows().filter((row) => row.group_id === null)).toMatchObject([{ groups: 1 }, { dec_deg: 16.27, groups: 7, outcome: 'missing' }]);
});

test('an explanation stays with its row, and the row stays a hole', () => {
  observe(0, 1, 9);
  look(night.database, begin(10) + 1_000_000);
  const id = rows().find((row) => row.range_end_at !== null)?.id ?? 0;
  expect(annotateRow(night.database, { id, by: 'ann', text: 'correlator switched off', at: isoFromUnixMs(begin(11)) })).toBe(true);
  expect(annotateRow(night.database, { id: 999, by: 'ann', text: 'correlator switched off', at: isoFromUnixMs(begin(11)) })).toBe(false);
  look(night.database, begin(13));
  expect(rows().find((row) => row.id === id)).toMatchObject({ outcome: 'missing', note: 'correlator switched off', noted_by: 'ann' });
  expect(eventsAfter(night.database, 0, 999).at(-1)?.topic).toBe('ledger.changed');
});
