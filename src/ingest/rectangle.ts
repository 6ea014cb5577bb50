/**
 * Rows of a file as times × baselines. Files are written time-major with the same baselines at each time; any other order
 * is accepted as long as it sorts to a full rectangle.
 */
import type { RawHeader } from './raw-header.ts';
import { refuse } from './rejection.ts';

export interface Rectangle {
  /** Ascending. */
  timesJd: Float64Array;
  /** (ant_1, ant_2) of each baseline as one number, ascending; orientation counts. */
  baselines: Float64Array;
}

const PAIR_BASE = 2 ** 20;

export function rectangleOf(header: RawHeader): Rectangle {
  const rows = header.timeJd.length;
  for (const [name, column] of [
    ['ant_1_array', header.ant1],
    ['ant_2_array', header.ant2],
  ] as const) {
    if (column.length !== rows) refuse('BadShape', `${name} has ${column.length} rows, time_array has ${rows}`);
  }
  if (rows === 0) refuse('BadShape', 'the file has no rows');
  const nowhere = header.timeJd.findIndex((time) => !Number.isFinite(time));
  if (nowhere >= 0) refuse('BadTimes', `time_array[${nowhere}] = ${header.timeJd[nowhere]}`);
  const pairs = header.ant1.map((ant1, row) => ant1 * PAIR_BASE + (header.ant2[row] ?? Number.NaN));
  const found = timeMajorRectangle(header.timeJd, pairs) ?? sortedRectangle(header.timeJd, pairs);
  checkCounts(header, found);
  return found;
}

/** The order the correlator writes, checked without sorting; null for any other order. */
function timeMajorRectangle(timeJd: Float64Array, pairs: Float64Array): Rectangle | null {
  const rows = timeJd.length;
  let baselines = 1;
  while (baselines < rows && timeJd[baselines] === timeJd[0]) baselines += 1;
  if (rows % baselines !== 0) return null;
  for (let row = 0; row < rows; row += 1) {
    const first = row - (row % baselines);
    if (timeJd[row] !== timeJd[first] || pairs[row] !== pairs[row % baselines]) return null;
  }
  const timesJd = Float64Array.from({ length: rows / baselines }, (_, k) => timeJd[k * baselines] ?? Number.NaN);
  if (timesJd.some((time, k) => k > 0 && !(time > (timesJd[k - 1] ?? 0)))) return null;
  const sorted = pairs.slice(0, baselines).sort();
  return hasRepeats(sorted) ? null : { timesJd, baselines: sorted };
}

function sortedRectangle(timeJd: Float64Array, pairs: Float64Array): Rectangle {
  const byTime = new Map<number, number[]>();
  timeJd.forEach((time, row) => {
    const members = byTime.get(time) ?? [];
    members.push(pairs[row] ?? Number.NaN);
    byTime.set(time, members);
  });
  const timesJd = Float64Array.from(byTime.keys()).sort();
  const baselines = Float64Array.from(byTime.get(timesJd[0] ?? Number.NaN) ?? []).sort();
  for (const [time, members] of byTime) {
    const sorted = Float64Array.from(members).sort();
    if (sorted.length !== baselines.length || hasRepeats(sorted) || sorted.some((pair, index) => pair !== baselines[index])) {
      refuse('BadShape', `rows are not times × baselines: ${sorted.length} rows at JD ${time}, ${baselines.length} at the first time`);
    }
  }
  return { timesJd, baselines };
}

const hasRepeats = (sorted: Float64Array): boolean => sorted.some((pair, index) => index > 0 && pair === sorted[index - 1]);

function checkCounts(header: RawHeader, { timesJd, baselines }: Rectangle): void {
  const { Ntimes, Nbls, Nblts } = header.counts;
  const expectedCounts = [
    ['Ntimes', Ntimes, timesJd.length],
    ['Nbls', Nbls, baselines.length],
    ['Nblts', Nblts, header.timeJd.length],
  ] as const;
  for (const [name, found, expected] of expectedCounts) {
    if (found !== null && found !== expected) {
      refuse('BadShape', `${name} is ${found}, the rows are ${timesJd.length} times × ${baselines.length} baselines`);
    }
  }
}
