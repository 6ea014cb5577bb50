/**
 * Rows of a file as times × baselines. Files are written time-major with the same baselines at each time; any other order
 * is accepted as long as it sorts to a full rectangle.
 */
import { bytesOf, type RawHeader } from './raw-header.ts';
import { refuse } from './rejection.ts';

export interface Rectangle {
  /** Ascending. */
  timesJd: Float64Array;
  /** The antennas of each baseline: the pair a row names at every time. */
  ant1: Float64Array;
  ant2: Float64Array;
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
  const found = timeMajorRectangle(header) ?? sortedRectangle(header);
  checkCounts(header, found);
  return found;
}

/** The order the correlator writes, checked without sorting; null for any other order. */
function timeMajorRectangle({ timeJd, ant1, ant2 }: RawHeader): Rectangle | null {
  const rows = timeJd.length;
  let baselines = 1;
  while (baselines < rows && timeJd[baselines] === timeJd[0]) baselines += 1;
  if (rows % baselines !== 0 || !repeatsFirst(ant1, baselines) || !repeatsFirst(ant2, baselines)) return null;
  const timesJd = new Float64Array(rows / baselines);
  for (let k = 0; k < timesJd.length; k += 1) {
    const block = timeJd.subarray(k * baselines, (k + 1) * baselines);
    const time = block[0] ?? Number.NaN;
    if (!(k === 0 || time > (timesJd[k - 1] ?? 0)) || !isConstant(block)) return null;
    timesJd[k] = time;
  }
  return distinct(timesJd, ant1.subarray(0, baselines), ant2.subarray(0, baselines));
}

/** Null when a baseline comes twice, or when no number tells what a row is. */
function distinct(timesJd: Float64Array, ant1: Float64Array, ant2: Float64Array): Rectangle | null {
  const baselines = ant1.map((one, index) => one * PAIR_BASE + (ant2[index] ?? Number.NaN)).sort();
  const isPlain = timesJd.every(Number.isFinite) && !hasRepeats(baselines);
  return isPlain ? { timesJd, ant1, ant2, baselines } : null;
}

/** Whether the column is its first `period` values again and again. Bytes are compared: a pass over 1 MB takes 0.1 ms. */
function repeatsFirst(column: Float64Array, period: number): boolean {
  const bytes = bytesOf(column);
  const shift = period * column.BYTES_PER_ELEMENT;
  return Buffer.compare(bytes.subarray(shift), bytes.subarray(0, bytes.length - shift)) === 0;
}

/** Not a number is never constant. */
export const isConstant = (column: Float64Array): boolean => repeatsFirst(column, 1) && !Number.isNaN(column[0]);

function sortedRectangle({ timeJd, ant1, ant2 }: RawHeader): Rectangle {
  const nowhere = timeJd.findIndex((time) => !Number.isFinite(time));
  if (nowhere >= 0) refuse('BadTimes', `time_array[${nowhere}] = ${timeJd[nowhere]}`);
  const rowsByTime = new Map<number, number[]>();
  timeJd.forEach((time, row) => {
    const rows = rowsByTime.get(time) ?? [];
    if (rows.length === 0) rowsByTime.set(time, rows);
    rows.push(row);
  });
  const timesJd = Float64Array.from(rowsByTime.keys()).sort();
  const firstRows = rowsByTime.get(timesJd[0] ?? Number.NaN) ?? [];
  const pairOf = (row: number): number => (ant1[row] ?? Number.NaN) * PAIR_BASE + (ant2[row] ?? Number.NaN);
  const baselines = Float64Array.from(firstRows, pairOf).sort();
  for (const [time, rows] of rowsByTime) {
    const sorted = Float64Array.from(rows, pairOf).sort();
    if (sorted.length !== baselines.length || hasRepeats(sorted) || sorted.some((pair, index) => pair !== baselines[index])) {
      refuse('BadShape', `rows are not times × baselines: ${sorted.length} rows at JD ${time}, ${baselines.length} at the first time`);
    }
  }
  const ofFirstTime = (column: Float64Array): Float64Array => Float64Array.from(firstRows, (row) => column[row] ?? Number.NaN);
  return { timesJd, ant1: ofFirstTime(ant1), ant2: ofFirstTime(ant2), baselines };
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
