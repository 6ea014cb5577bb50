/**
 * A light curve drawn with letters: time to the right, flux upwards, one column a cell of time. Detections are `o`, degraded
 * ones `.`, upper limits `v`, errors `|`. For a look in a terminal; numbers come from `--format csv`.
 */
import type { LightCurvePoint } from '../domain/light-curve-file.ts';
import { isoFromUnixMs, mjdToUnixMs } from '../domain/utc.ts';

const ROWS = 14;
/** Room for `-0.001234 Jy` and the frame. */
const AXIS_COLUMNS = 14;

export function lightCurvePlot(points: readonly LightCurvePoint[], columns: number): string[] {
  const first = points[0];
  const last = points.at(-1);
  if (first === undefined || last === undefined) return [];
  const width = Math.max(40, columns - AXIS_COLUMNS);
  const [low, high] = span(points);
  const rowOf = (fluxJy: number): number => Math.min(ROWS - 1, Math.max(0, Math.round(((high - fluxJy) / (high - low)) * (ROWS - 1))));
  const columnOf = (mjd: number): number =>
    last.mjd === first.mjd ? Math.floor(width / 2) : Math.round(((mjd - first.mjd) / (last.mjd - first.mjd)) * (width - 1));
  const cells = Array.from({ length: ROWS }, () => Array.from({ length: width }, () => ' '));
  const put = (row: number, column: number, mark: string): void => {
    const line = cells[row];
    if (line !== undefined) line[column] = mark;
  };
  for (const point of points) {
    const column = columnOf(point.mjd);
    const [top, bottom] = [rowOf(point.flux_jy + point.error_jy), rowOf(point.flux_jy - point.error_jy)];
    for (let row = top; row <= bottom; row += 1) put(row, column, '|');
  }
  for (const point of points) put(rowOf(point.flux_jy), columnOf(point.mjd), markOf(point));
  const step = (high - low) / (ROWS - 1);
  const lines = cells.map((line, row) => {
    const label = row % 3 === 0 || row === ROWS - 1 ? `${(high - row * step).toPrecision(4)} Jy` : '';
    return `${label.padStart(AXIS_COLUMNS - 2)} │${line.join('')}`.trimEnd();
  });
  const [from, to] = [first.mjd, last.mjd].map((mjd) => isoFromUnixMs(mjdToUnixMs(mjd)).slice(0, 16));
  return [
    ...lines,
    `${' '.repeat(AXIS_COLUMNS - 1)}└${'─'.repeat(width)}`,
    `${' '.repeat(AXIS_COLUMNS)}${from}${`${to} UTC`.padStart(width - 16)}`,
  ];
}

function markOf(point: LightCurvePoint): string {
  if (point.upper_limit) return 'v';
  return point.degraded ? '.' : 'o';
}

/** From the lowest to the highest error bar, never empty. */
function span(points: readonly LightCurvePoint[]): readonly [number, number] {
  const low = Math.min(...points.map((point) => point.flux_jy - point.error_jy));
  const high = Math.max(...points.map((point) => point.flux_jy + point.error_jy));
  return high > low ? [low, high] : [low - 1, high + 1];
}
