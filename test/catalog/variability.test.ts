/** Variability from sums: the same numbers in any order, equal to the definitions, and a verdict that finds what varies. */
import { array, assert, constant, double, integer, property, record, shuffledSubarray, tuple } from 'fast-check';
import {
  type FluxPoint,
  type FluxSums,
  addSums,
  sumsOfPoint,
  VARIABILITY_THRESHOLDS,
  variabilityOf,
} from '../../src/catalog/variability.ts';

const pointArbitrary = record({
  mjd: double({ min: 60_000, max: 61_000, noNaN: true }),
  fluxJy: integer({ min: -10_000, max: 10_000_000 }).map((microJy) => microJy / 1e6),
  errorJy: integer({ min: 100, max: 100_000 }).map((microJy) => microJy / 1e6),
  // Quoted errors are 1 % of the flux at least; here a hundredth of that.
}).map((point) => ({ ...point, errorJy: Math.max(point.errorJy, 1e-4 * Math.abs(point.fluxJy)) }));
const seriesArbitrary = array(pointArbitrary, { minLength: 2, maxLength: 40 });

function sumsOf(points: readonly FluxPoint[]): FluxSums {
  const [first, ...others] = points.map(sumsOfPoint);
  if (first === undefined) throw new Error('no point');
  return others.reduce(addSums, first);
}

const numbersOf = (from: object): (number | null)[] => Object.values(from).map((value) => (typeof value === 'number' ? value : null));

/** Flux over error reaches 1e4 here, whose squares leave eight of a double's sixteen digits to a sum of differences. */
function differing(one: object, other: object): string[] {
  const found = numbersOf(other);
  return numbersOf(one).flatMap((value, index) => {
    const same =
      value === null || found[index] == null ? value === found[index] : Math.abs(value - found[index]) <= 1e-6 * Math.abs(value) + 1e-6;
    return same ? [] : [`${Object.keys(one)[index]}: ${value} and ${found[index]}`];
  });
}

/** Adding 0 makes one zero of two: fluxes −0 and 0 tie. */
const extremes = (sums: FluxSums): number[] => [sums.high_flux_jy + 0, sums.low_flux_jy + 0, sums.min_flux_jy + 0, sums.max_flux_jy + 0];

test('points added in any order, one by one or in batches, give the same numbers', () => {
  assert(
    property(
      seriesArbitrary.chain((points) =>
        tuple(constant(points), shuffledSubarray(points, { minLength: points.length }), integer({ min: 1, max: points.length - 1 })),
      ),
      ([points, shuffled, cut]) => {
        const straight = sumsOf(points);
        const batched = addSums(sumsOf(shuffled.slice(cut)), sumsOf(shuffled.slice(0, cut)));
        expect(extremes(batched)).toEqual(extremes(straight));
        const { isVariable: _one, ese, ...numbers } = variabilityOf(straight);
        const { isVariable: _other, ese: otherEse, ...otherNumbers } = variabilityOf(batched);
        expect(differing({ ...numbers, score: ese?.score }, { ...otherNumbers, score: otherEse?.score })).toEqual([]);
      },
    ),
    { numRuns: 200 },
  );
});

test('the indices equal their definitions', () => {
  assert(
    property(seriesArbitrary, (points) => {
      const weights = points.map(({ errorJy }) => 1 / errorJy ** 2);
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      const mean = points.reduce((sum, { fluxJy }, index) => sum + fluxJy * (weights[index] ?? 0), 0) / total;
      const eta = points.reduce((sum, { fluxJy }, index) => sum + (weights[index] ?? 0) * (fluxJy - mean) ** 2, 0) / (points.length - 1);
      const plain = points.reduce((sum, { fluxJy }) => sum + fluxJy, 0) / points.length;
      const error = Math.hypot(...points.map(({ errorJy }) => errorJy)) / points.length;
      const deviation = Math.sqrt(points.reduce((sum, { fluxJy }) => sum + (fluxJy - plain) ** 2, 0) / (points.length - 1));
      const found = variabilityOf(sumsOf(points));
      expect(
        differing({ mean, eta, v: plain > error ? deviation / plain : null }, { mean: found.meanFluxJy, eta: found.eta, v: found.v }),
      ).toEqual([]);
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
  assert(
    property(seriesArbitrary, (points) => {
      const sums = sumsOf(points);
      const found = variabilityOf(sums).leaveOneOutSigma ?? 0;
      const all = points.map((_, index) => leaveOneOutOf(points, index));
      expect(found).toBeLessThanOrEqual(Math.max(...all) * (1 + 1e-6) + 1e-6);
      const { meanFluxJy } = variabilityOf(sums);
      const beyond = points.some(
        ({ fluxJy, errorJy }) => Math.abs(fluxJy - meanFluxJy) > VARIABILITY_THRESHOLDS.leaveOneOutSigma * errorJy * (1 + 1e-9),
      );
      expect(found).toBeGreaterThanOrEqual(beyond ? VARIABILITY_THRESHOLDS.leaveOneOutSigma * (1 - 1e-6) : 0);
    }),
    { numRuns: 300 },
  );
});

test('the two-epoch indices are those of a pair, and of the most significant one where its error bars of 5 sigma are apart', () => {
  assert(
    property(seriesArbitrary, (points) => {
      const { twoEpochVs, twoEpochM } = variabilityOf(sumsOf(points));
      const pairs = points.flatMap((one) =>
        points.map((other) => {
          const [difference, error] = [one.fluxJy - other.fluxJy, Math.hypot(one.errorJy, other.errorJy)];
          return {
            vs: difference / error,
            m: one.fluxJy + other.fluxJy > error ? (2 * difference) / (one.fluxJy + other.fluxJy) : null,
            apart: difference > VARIABILITY_THRESHOLDS.leaveOneOutSigma * (one.errorJy + other.errorJy),
          };
        }),
      );
      expect(pairs).toContainEqual(expect.objectContaining({ vs: twoEpochVs, m: twoEpochM }));
      // Error bars of k sigma that are apart make Vs at least k·(a + b)/√(a² + b²), which is k or more.
      const least = pairs.some(({ apart }) => apart) ? VARIABILITY_THRESHOLDS.leaveOneOutSigma * (1 - 1e-9) : 0;
      expect(twoEpochVs).toBeGreaterThanOrEqual(least);
    }),
    { numRuns: 200 },
  );
});

test('the score of one high or low epoch is its deviation less what the number of epochs explains', () => {
  const steady = Array<number>(30).fill(1);
  const [dip, rise] = [series([...steady, 0.5], 0.02), series([...steady, 1.5], 0.02)].map((points) => variabilityOf(sumsOf(points)));
  expect([dip?.ese?.shape, rise?.ese?.shape]).toEqual(['dip', 'rise']);
  expect(rise?.ese?.score).toBeCloseTo(Math.sqrt((rise?.leaveOneOutSigma ?? 0) ** 2 - 2 * Math.log(31)), 6);
  // Half of the 30 % that count in full: half the score.
  const faint = variabilityOf(sumsOf(series([...steady, 1.15], 0.001)));
  expect(faint.ese?.score).toBeCloseTo(
    Math.sqrt((faint.leaveOneOutSigma ?? 0) ** 2 - 2 * Math.log(31)) * (0.15 / (0.3 * faint.meanFluxJy)),
    6,
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
