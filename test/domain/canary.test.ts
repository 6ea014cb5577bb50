/** The verdict on synthetic sources: what may differ, what may not, and that noise of the place is taken off. */
import { canaryParametersSchema, fluxRatio, type InjectedSource, judgeCanary } from '../../src/domain/canary.ts';

const limits = canaryParametersSchema.parse({});
const BEAM_ARCSEC = 20;

const source = (sourceId: number, snr: number): InjectedSource => ({
  sourceId,
  name: `canary-${snr}`,
  kind: 'steady',
  raDeg: 100,
  decDeg: 50,
  response: 0.8,
  catalogueJy: snr / 1000,
  injectedJy: snr / 1000,
});
/** As photometry measures it: 1 mJy of noise, of which `noiseJy` happened to be at this place before the source came. */
const recovered = (sourceId: number, snr: number, change: { ratio?: number; noiseJy?: number; offsetArcsec?: number } = {}) => {
  const { ratio = 1, noiseJy = 0, offsetArcsec = 0.1 } = change;
  const fluxJy = (ratio * snr) / 1000;
  return { sourceId, measuredJy: fluxJy + noiseJy, errorJy: 0.001, beforeJy: noiseJy, snr, offsetArcsec };
};
const judge = (...changes: Parameters<typeof recovered>[2][]) =>
  judgeCanary(
    [source(1, 10), source(2, 100)],
    { sources: changes.map((change, index) => recovered(index + 1, index === 0 ? 10 : 100, change)), beamMajorArcsec: BEAM_ARCSEC },
    limits,
  );

test('sources that come back pass, whatever noise their places had before', () => {
  const { verdict, reasons, measurements } = judge({ noiseJy: 0.003 }, { noiseJy: -0.003 });
  expect([verdict, reasons]).toEqual(['pass', []]);
  for (const measurement of measurements) expect(fluxRatio(measurement)).toBeCloseTo(1, 9);
});

test('a bright source 7 % off fails the canary and is named; a faint one may be as far off as its error', () => {
  expect(judge({ ratio: 1.07 }, {}).verdict).toBe('pass');
  const { verdict, reasons, measurements } = judge({}, { ratio: 0.93 });
  expect(verdict).toBe('fail');
  expect(reasons).toEqual(['canary-100: 0.930 of its flux came back, within 0.060 of 1 is allowed']);
  expect(measurements.map(({ passed }) => passed)).toEqual([true, false]);
});

test('a bright source an eighth of a beam from its place fails; a faint one there does not', () => {
  expect(judge({ offsetArcsec: 2.5 }, {}).verdict).toBe('pass');
  expect(judge({}, { offsetArcsec: 2.5 }).reasons).toEqual(['canary-100: 2.50″ from its place, 2.36″ are allowed']);
});

test('a source of which nothing is said is never passed over', () => {
  expect(() => judge({})).toThrow('canary-100 was injected and nothing is said of it');
});
