/** What a group lacks, in words, and what stands in its way to be called whole. */
import { describeLacking, lackingIn } from '../../src/domain/degradation.ts';
import { isTakenOver, rerunStartOf, stepsOfRerun } from '../../src/domain/rerun.ts';
import { STEP_NAMES } from '../../src/domain/step.ts';

test('a short member is present and its integrations are named; one that never came is missing', () => {
  const lacking = lackingIn({
    subbandsPresent: [0, 1, 3],
    missing: [
      { subband: 2, integrations: [0, 1, 2, 3] },
      { subband: 3, integrations: [23, 20, 21, 0] },
    ],
  });
  expect(lacking.subbands).toEqual([2]);
  expect(describeLacking(lacking)).toEqual(['sb02 is missing', 'sb03 lacks integrations 0, 20-21, 23']);
});

test('a whole group lacks nothing', () => {
  const lacking = lackingIn({ subbandsPresent: [0, 1], missing: [] });
  expect([lacking, describeLacking(lacking)]).toEqual([{ subbands: [], short: [] }, []]);
});

test('a rerun starts at the last place where all it needs is published', () => {
  const starts = Object.fromEntries(STEP_NAMES.map((step) => [step, rerunStartOf(step)]));
  expect(starts).toEqual({
    collect: 'collect',
    claimHost: 'collect',
    stageToScratch: 'collect',
    concat: 'collect',
    moveToTmpfs: 'collect',
    organize: 'collect',
    flag: 'flag',
    solve: 'solve',
    calibrate: 'calibrate',
    image: 'calibrate',
    photometry: 'calibrate',
    release: null,
  });
  expect(stepsOfRerun('calibrate')).toEqual(['calibrate', 'image', 'photometry', 'release']);
});

test('a rerun claims a host and takes the published set over; every other step before its start is left to the earlier run', () => {
  expect(STEP_NAMES.filter((step) => !isTakenOver(step, 'calibrate'))).toEqual([
    'claimHost',
    'organize',
    'calibrate',
    'image',
    'photometry',
    'release',
  ]);
});
