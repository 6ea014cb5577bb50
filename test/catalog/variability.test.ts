/** Variability from sums: the same numbers in any order, equal to the definitions, and a verdict that finds what varies. */
import fc from 'fast-check';
import {
  type FluxPoint,
  type FluxSums,
  addSums,
  sumsOfPoint,
  VARIABILITY_THRESHOLDS,
  variabilityOf,
} from '../../src/catalog/variability.ts';

const pointArbitrary = fc.record({
  mjd: fc.double({ min: 60_000, max: 61_000, noNaN: true }),
  fluxJy: fc.double({ min: -0.01, max: 10, noNaN: true }),
  errorJy: fc.double({ min: 1e-4, max: 0.1, noNaN: true }),
});
const seriesArbitrary = fc.array(pointArbitrary, { minLength: 2, maxLength: 40 });

function sumsOf(points: readonly FluxPoint[]): FluxSums {
  const [first, ...others] = points.map(sumsOfPoint);
  if (first === undefined) throw new Error('no point');
  return others.reduce(addSums, first);
}

/** Additions in another order differ in the last bits; fluxes over errors up to 1e5 cost 10 of a double's 16 digits. */
function expectSameNumbers(one: object, other: object): void {
  for (const [[name, value], [otherName, otherValue]] of Object.entries(one).map(
    (entry, index) => [entry, Object.entries(other)[index] ?? []] as const,
  )) {
    expect(otherName).toBe(name);
    if (typeof value === 'number') expect(Math.abs(value - Number(otherValue))).toBeLessThanOrEqual(1e-6 * Math.abs(value) + 1e-6);
    else expect(otherValue).toBe(value);
  }
}

test('points added in any order, one by one or in batches, give the same numbers', () => {
  fc.assert(
    fc.property(
      seriesArbitrary.chain((points) =>
        fc.tuple(
          fc.constant(points),
          fc.shuffledSubarray(points, { minLength: points.length }),
          fc.integer({ min: 1, max: points.length - 1 }),
        ),
      ),
      ([points, shuffled, cut]) => {
        const straight = sumsOf(points);
        const batched = addSums(sumsOf(shuffled.slice(cut)), sumsOf(shuffled.slice(0, cut)));
        expect([batched.high_flux_jy, batched.low_flux_jy, batched.min_flux_jy, batched.max_flux_jy]).toEqual([
          straight.high_flux_jy,
          straight.low_flux_jy,
          straight.min_flux_jy,
          straight.max_flux_jy,
        ]);
        const { isVariable: _one, ...numbers } = variabilityOf(straight);
        const { isVariable: _other, ...otherNumbers } = variabilityOf(batched);
        expectSameNumbers(numbers, otherNumbers);
      },
    ),
    { numRuns: 200 },
  );
});

test('the indices equal their definitions', () => {
  fc.assert(
    fc.property(seriesArbitrary, (points) => {
      const weights = points.map(({ errorJy }) => 1 / errorJy ** 2);
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      const mean = points.reduce((sum, { fluxJy }, index) => sum + fluxJy * (weights[index] ?? 0), 0) / total;
      const eta = points.reduce((sum, { fluxJy }, index) => sum + (weights[index] ?? 0) * (fluxJy - mean) ** 2, 0) / (points.length - 1);
      const plain = points.reduce((sum, { fluxJy }) => sum + fluxJy, 0) / points.length;
      const deviation = Math.sqrt(points.reduce((sum, { fluxJy }) => sum + (fluxJy - plain) ** 2, 0) / (points.length - 1));
      const found = variabilityOf(sumsOf(points));
      expectSameNumbers({ mean, eta, v: plain > 0 ? deviation / plain : null }, { mean: found.meanFluxJy, eta: found.eta, v: found.v });
    }),
    { numRuns: 200 },
  );
});

/** Against the mean and error of all the others, point by point. */
const leaveOneOutOf = (points: readonly FluxPoint[], index: number): number => {
  const [point] = points.slice(index, index + 1);
  const rest = variabilityOf(sumsOf(points.filter((_, other) => other !== index)));
  return point === undefined ? 0 : Math.abs(point.fluxJy - rest.meanFluxJy) / Math.hypot(point.errorJy, rest.meanErrorJy);
};

test('the leave-one-out deviation is one of the points’ own, and misses none that lies beyond the threshold', () => {
  fc.assert(
    fc.property(seriesArbitrary, (points) => {
      const sums = sumsOf(points);
      const found = variabilityOf(sums).leaveOneOutSigma ?? 0;
      const all = points.map((_, index) => leaveOneOutOf(points, index));
      expect(found).toBeLessThanOrEqual(Math.max(...all) * (1 + 1e-6) + 1e-6);
      const { meanFluxJy } = variabilityOf(sums);
      const beyond = points.some(
        ({ fluxJy, errorJy }) => Math.abs(fluxJy - meanFluxJy) > VARIABILITY_THRESHOLDS.leaveOneOutSigma * errorJy * (1 + 1e-9),
      );
      if (beyond) expect(found).toBeGreaterThanOrEqual(VARIABILITY_THRESHOLDS.leaveOneOutSigma * (1 - 1e-6));
    }),
    { numRuns: 300 },
  );
});

const series = (fluxes: readonly number[], errorJy: number): FluxPoint[] =>
  fluxes.map((fluxJy, index) => ({ mjd: 60_000 + index, fluxJy, errorJy }));

test.each([
  ['a source that doubles once in three epochs', [1, 1, 2], 0.03, true],
  ['a source that fades once in twelve', [...Array<number>(11).fill(0.05), 0.01], 0.002, true],
  ['a flare above nothing', [0.0001, -0.0002, 0.0001, 0.02], 0.001, true],
  ['a slow change by a factor of two', [1, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8, 1.9, 2], 0.05, true],
  ['flux scale errors of 3 % that a bright source measures at 30 σ', [1, 1.03, 0.97, 1.02, 0.98, 1.03, 0.97], 0.001, false],
  ['noise about nothing', [0.001, -0.001, 0.0015, -0.0005], 0.001, false],
  ['two epochs, which are too few', [1, 2], 0.01, false],
])('%s', (_what, fluxes, errorJy, expected) => {
  expect(variabilityOf(sumsOf(series(fluxes, errorJy))).isVariable).toBe(expected);
});

test('of 2,000 steady sources at most a few in ten thousand are called variable, at any number of epochs', () => {
  // A fixed generator (mulberry32, seed 7) and Box-Muller: the same sky in every run of this test.
  let state = 7;
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  let candidates = 0;
  for (let source = 0; source < 2000; source += 1) {
    const fluxJy = 0.002 * 10 ** (3 * uniform());
    const errorJy = Math.hypot(0.001, 0.01 * fluxJy);
    const epochs = 3 + Math.floor(40 * uniform());
    const points = series(
      Array.from({ length: epochs }, () => fluxJy + errorJy * normal()),
      errorJy,
    );
    if (variabilityOf(sumsOf(points)).isVariable) candidates += 1;
  }
  expect(candidates).toBeLessThanOrEqual(1);
});
