/** The ledger against nights made by chance: each group has one row, nothing is counted twice, and holes are as many as were made. */
import { countLedgerRows, type LedgerRow, ledgerBetween } from '../../src/catalog/ledger.ts';
import { type OpenNight, openNight } from './night.ts';
import { admit, CADENCE_MS, look, MINUTE_MS, NIGHT_START_MS, type ObservedNight, observedNight, randomFrom } from './observed-night.ts';

let night: OpenNight;
beforeEach(() => {
  night = openNight();
});
afterEach(() => night.close());

const rows = (): LedgerRow[] => ledgerBetween(night.database, '2000', '2100');
const everything = (): unknown[] =>
  ['ledger', 'ledger_history', 'events'].map((table) => night.database.prepare(`SELECT * FROM ${table}`).all());
const at = (row: LedgerRow): number => Date.parse(row.expected_at);

/** Lives the night through: files come when they come; the ledger is looked at whenever `nextLookMs` says. */
function live(observed: ObservedNight, nextLookMs: (nowMs: number) => number): void {
  const waiting = observed.groups.toSorted((one, other) => one.arrivesMs - other.arrivesMs);
  const endMs = (waiting.at(-1)?.arrivesMs ?? 0) + 20 * MINUTE_MS;
  let nowMs = NIGHT_START_MS;
  while (nowMs < endMs) {
    nowMs = nextLookMs(nowMs);
    while (waiting[0] !== undefined && waiting[0].arrivesMs <= nowMs) {
      const group = waiting.shift();
      if (group !== undefined) admit(night.database, group, group.arrivesMs);
    }
    look(night.database, nowMs);
  }
}

function expectTrue(observed: ObservedNight): void {
  const lastMs = Math.max(...observed.groups.map(({ startMs }) => startMs));
  // Rows have whole seconds.
  const all = rows().filter((row) => at(row) <= lastMs + 1000);
  const seen = all.filter((row) => row.group_id !== null);
  expect(seen).toHaveLength(observed.groups.length);
  expect(all.filter((row) => row.outcome === 'pending' && row.group_id === null)).toEqual([]);
  const missing = all.filter((row) => row.outcome === 'missing').reduce((sum, row) => sum + row.groups, 0);
  expect(missing).toBe(observed.missing);
  const single = all.filter((row) => row.range_end_at === null);
  const steps = single.slice(1).map((row, index) => at(row) - at(single[index] ?? row));
  expect(Math.min(...steps)).toBeGreaterThan(CADENCE_MS / 2 - 1000);
  const ranges = all.filter((row) => row.range_end_at !== null && row.groups > 0);
  const counted = single.filter((row) =>
    ranges.some((range) => at(range) <= at(row) && Date.parse(range.range_end_at ?? range.expected_at) > at(row)),
  );
  expect(counted).toEqual([]);
}

describe('a night with restarts, silences, strips, late and lost groups', () => {
  test.each([3, 4])('looked at every minute, every hole is told and no other (seed %i)', (seed) => {
    const observed = observedNight(seed, 30);
    live(observed, (nowMs) => nowMs + MINUTE_MS);
    expectTrue(observed);
  });

  test.each([11, 12])('looked at by chance, with hours between, it comes to the same (seed %i)', (seed) => {
    const observed = observedNight(seed, 30);
    const random = randomFrom(seed * 7);
    live(observed, (nowMs) => nowMs + (random() < 0.05 ? 7_200_000 * random() : 300_000 * random() + 1000));
    expectTrue(observed);
  });

  test.each([302])('a clock that jumps back and forth doubles nothing (seed %i)', (seed) => {
    const observed = observedNight(seed, 30);
    const random = randomFrom(seed * 7);
    live(observed, (nowMs) => {
      // A look by a clock that is wrong, between two that are right.
      if (random() < 0.1) look(night.database, nowMs + (random() - 0.7) * 7_200_000);
      return nowMs + MINUTE_MS;
    });
    expectTrue(observed);
  });

  test('a second look at the same instant changes nothing, at any minute', () => {
    const observed = observedNight(31, 25);
    const waiting = [...observed.groups];
    for (let nowMs = NIGHT_START_MS; nowMs < NIGHT_START_MS + 200 * MINUTE_MS; nowMs += 7 * MINUTE_MS) {
      while (waiting[0] !== undefined && waiting[0].arrivesMs <= nowMs) {
        const group = waiting.shift();
        if (group !== undefined) admit(night.database, group, nowMs);
      }
      look(night.database, nowMs);
      const before = everything();
      look(night.database, nowMs);
      expect(everything()).toEqual(before);
    }
    expect(countLedgerRows(night.database)).toBeGreaterThan(20);
  });

  test('an archive that comes in any order has the same holes, and nothing is expected after it', () => {
    const observed = observedNight(41, 60);
    const random = randomFrom(41);
    const later = NIGHT_START_MS + 30 * 86_400_000;
    const shuffled = observed.groups.map((group) => ({ group, order: random() })).toSorted((one, other) => one.order - other.order);
    for (const [index, { group }] of shuffled.entries()) {
      admit(night.database, group, later + index * 4000);
      if (index % 15 === 0) look(night.database, later + index * 4000);
    }
    for (let minute = 0; minute < 30; minute++) look(night.database, later + 400_000 + minute * MINUTE_MS);
    expectTrue(observed);
    expect(rows().every((row) => at(row) < NIGHT_START_MS + 2 * 86_400_000)).toBe(true);
  });
});
