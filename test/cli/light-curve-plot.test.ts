/** The light curve in a terminal: where marks stand, and that nothing leaves the frame. */
import { lightCurvePlot } from '../../src/cli/light-curve-plot.ts';
import type { LightCurvePoint } from '../../src/domain/light-curve-file.ts';

const point = (mjd: number, flux_jy: number, changes: Partial<LightCurvePoint> = {}): LightCurvePoint => ({
  id: 3,
  mjd,
  flux_jy,
  error_jy: 0.01,
  normalised_flux_jy: null,
  normalised_error_jy: null,
  local_rms_jy: 0.001,
  snr: 100,
  kind: 'forced',
  upper_limit: false,
  degraded: false,
  superseded: false,
  flags: [],
  image_product_id: 1,
  ...changes,
});
const rowOf = (lines: string[], mark: string): number => lines.findIndex((line) => line.slice(11).includes(mark));

test('time runs to the right and flux upwards; limits and degraded points have marks of their own', () => {
  const lines = lightCurvePlot([point(60_000, 1), point(60_000.5, 3, { degraded: true }), point(60_001, 0.1, { upper_limit: true })], 60);
  expect(rowOf(lines, '.')).toBeLessThan(rowOf(lines, 'o'));
  expect(rowOf(lines, 'o')).toBeLessThan(rowOf(lines, 'v'));
  expect(lines[rowOf(lines, 'o')]?.indexOf('o')).toBeLessThan(lines[rowOf(lines, 'v')]?.indexOf('v') ?? 0);
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(60);
  expect(lines.at(-1)).toMatch(/2023-02-25T00:00 .*2023-02-26T00:00 UTC/);
});

test('a single point, and points of one flux without spread, are drawn', () => {
  expect(lightCurvePlot([point(60_000, 1)], 80).join('\n')).toContain('o');
  expect(lightCurvePlot([point(60_000, 1, { error_jy: 0 }), point(60_001, 1, { error_jy: 0 })], 80).join('\n')).toMatch(/o.*o/);
  expect(lightCurvePlot([], 80)).toEqual([]);
});
