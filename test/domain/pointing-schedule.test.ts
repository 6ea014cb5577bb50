/** The pointing schedule: what it says, and each way in which it is refused. */
import { isExpected, parsePointingSchedule, pointingAt } from '../../src/domain/pointing-schedule.ts';

const HEADER = 'start_utc,pointing,reason';
const GOOD = `# pointings of March
${HEADER}
2026-03-01T00:00:00Z,16.27,
2026-03-01T12:00:00Z,maintenance,"drives, dish 12"

2026-03-01T18:00:00,54.57,
`;
const at = (time: string): number => Date.parse(`2026-03-01T${time}Z`);

test('each line holds until the next, and nothing is known before the first', () => {
  const schedule = parsePointingSchedule(GOOD);
  expect(pointingAt(schedule, at('00:00:00') - 1)).toBeNull();
  expect(pointingAt(schedule, at('11:59:59'))).toEqual({ kind: 'strip', decDeg: 16.27 });
  expect(pointingAt(schedule, at('12:00:00'))).toEqual({ kind: 'maintenance', reason: 'drives, dish 12' });
  expect(pointingAt(schedule, at('23:00:00'))).toEqual({ kind: 'strip', decDeg: 54.57 });
});

test('a group is expected unless a pause takes part of it', () => {
  const schedule = parsePointingSchedule(GOOD);
  expect(isExpected(schedule, at('11:54:00'), at('11:59:09'))).toBe(true);
  expect(isExpected(schedule, at('11:56:00'), at('12:01:09'))).toBe(false);
  expect(isExpected(schedule, at('17:58:00'), at('18:03:09'))).toBe(false);
  expect(isExpected([], at('12:00:00'), at('12:05:00'))).toBe(true);
});

test.each([
  ['NoHeader', '2026-03-01T00:00:00Z,16.27,'],
  ['NoEntry', HEADER],
  ['BadLine', `${HEADER}\n2026-03-01T00:00:00Z`],
  ['BadStart', `${HEADER}\nnoon,16.27,`],
  ['NotInOrder', `${HEADER}\n2026-03-01T12:00:00Z,16.27,\n2026-03-01T11:00:00Z,16.27,`],
  ['BadPointing', `${HEADER}\n2026-03-01T12:00:00Z,zenith,`],
  ['BadPointing', `${HEADER}\n2026-03-01T12:00:00Z,91,`],
  ['NoReason', `${HEADER}\n2026-03-01T12:00:00Z,off,`],
])('%s names its line', (code, text) => {
  expect(() => parsePointingSchedule(text)).toThrow(new RegExp(`^${code}: .*(line|")`));
});
