/** Where a parked group goes on. */
import { resumeStep } from '../../src/domain/rerun.ts';

test.each([
  ['a set that was put aside is converted again', 'organize', 'V06', true, 'concat'],
  [
    'so is one that is gone, whoever took it: the answer of who put it aside can be lost with its worker',
    'organize',
    'MeasurementSetGone',
    false,
    'concat',
  ],
  ['a set that is still there is checked again', 'organize', 'ENOSPC', false, 'organize'],
  ['a later step stays what was asked for', 'flag', 'ToolFailed', true, 'flag'],
] as const)('%s', (_, asked, code, putAside, from) => {
  expect(resumeStep(asked, code, putAside)).toBe(from);
});
