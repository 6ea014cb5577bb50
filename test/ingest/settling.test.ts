/**
 * Settling by a clock that the test holds.
 */
import * as fc from 'fast-check';
import { backOff, look, type Settling } from '../../src/ingest/settling.ts';

const rule = { settleMs: 2000, admissionMs: 600_000 };
const file = (bytes: number) => ({ inode: '7', bytes, mtimeMs: 1 });

test('two equal looks two seconds apart settle a file; one look does not', () => {
  const first = look(null, file(9), 0, false, rule);
  expect(first.kind).toBe('wait');
  expect(look(first.state, file(9), 1999, false, rule).kind).toBe('wait');
  expect(look(first.state, file(9), 2000, false, rule).kind).toBe('settled');
});

test('a rename needs one look', () => {
  expect(look(null, file(9), 0, true, rule).kind).toBe('settled');
});

test('looks back off 1, 2, 4 … 60 s and end after the admission time', () => {
  let state: Settling | null = look(null, file(0), 0, false, rule).state;
  let nowMs = 2000;
  const waitsS: number[] = [];
  for (;;) {
    state = backOff(state, nowMs, rule);
    if (state === null) break;
    waitsS.push((state.nextLookMs - nowMs) / 1000);
    nowMs = state.nextLookMs;
  }
  expect(waitsS.slice(0, 8)).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
  expect(nowMs).toBe(600_000);
});

test('a file never settles within settle_s of a change, whatever looks come when', () => {
  const looks = fc.array(fc.record({ waitMs: fc.nat(3000), grows: fc.boolean() }), { maxLength: 40 });
  const quietTimesMs: number[] = [];
  fc.assert(
    fc.property(looks, (steps) => {
      let [nowMs, bytes, changedMs] = [0, 1, 0];
      let state: Settling | null = null;
      for (const { waitMs, grows } of steps) {
        nowMs += waitMs;
        if (grows) [bytes, changedMs] = [bytes + 1, nowMs];
        const verdict = look(state, file(bytes), nowMs, false, rule);
        if (verdict.kind === 'settled') quietTimesMs.push(nowMs - changedMs);
        state = verdict.state;
      }
    }),
  );
  expect(quietTimesMs.length).toBeGreaterThan(0);
  expect(Math.min(...quietTimesMs)).toBeGreaterThanOrEqual(rule.settleMs);
});
