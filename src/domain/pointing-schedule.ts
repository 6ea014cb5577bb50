/**
 * Where the telescope is to point, and when nothing is to be expected of it: the optional CSV of setting
 * `paths.pointing_schedule`. Each line holds from its start to the start of the next. Pure; a text that is not whole is
 * refused with the line and the reason, and nothing of it is used.
 */
import { unixMsOfWritten } from './written-instant.ts';

export type Pointing = { kind: 'strip'; decDeg: number } | { kind: 'off' | 'maintenance'; reason: string };
interface ScheduleEntry {
  startMs: number;
  pointing: Pointing;
}
/** In order of time; empty: nothing is known, and everything is expected. */
export type PointingSchedule = readonly ScheduleEntry[];

export type ScheduleErrorCode = 'NoHeader' | 'NoEntry' | 'BadLine' | 'BadStart' | 'NotInOrder' | 'BadPointing' | 'NoReason';

export class ScheduleError extends Error {
  override readonly name = 'ScheduleError';
  readonly code: ScheduleErrorCode;
  constructor(code: ScheduleErrorCode, message: string) {
    super(`${code}: ${message}`);
    this.code = code;
  }
}

const HEADER = 'start_utc,pointing,reason';
/** Lowest and highest declination the dishes can point at. */
const DEC_RANGE_DEG = { low: -40, high: 90 } as const;

/** Empty lines and lines that begin with # are left out. */
export function parsePointingSchedule(text: string): PointingSchedule {
  const lines = text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .map((line, index) => ({ text: line.trim(), number: index + 1 }))
    .filter((line) => line.text !== '' && !line.text.startsWith('#'));
  const [header, ...rows] = lines;
  if (header?.text !== HEADER) throw new ScheduleError('NoHeader', `the first line is "${header?.text ?? ''}", not "${HEADER}"`);
  const entries = rows.map((line) => entryOf(line.text, `line ${line.number}`));
  if (entries.length === 0) throw new ScheduleError('NoEntry', 'there is no line after the header');
  for (const [index, entry] of entries.entries()) {
    const before = entries[index - 1];
    if (before !== undefined && before.startMs >= entry.startMs) {
      throw new ScheduleError('NotInOrder', `line ${rows[index]?.number} does not start after the line before it`);
    }
  }
  return entries;
}

function entryOf(line: string, where: string): ScheduleEntry {
  const [start = '', pointing = '', ...words] = line.split(',').map((cell) => cell.trim());
  if (pointing === '') throw new ScheduleError('BadLine', `${where} has fewer than two columns: "${line}"`);
  const startMs = unixMsOfWritten(start);
  if (startMs === null) throw new ScheduleError('BadStart', `${where}: "${start}" is not a time in UTC such as 2026-01-31T18:00:00Z`);
  // A reason may hold commas of its own.
  const reason = words.join(', ').replaceAll(/^"|"$/g, '').trim();
  if (pointing === 'off' || pointing === 'maintenance') {
    if (reason === '') throw new ScheduleError('NoReason', `${where}: ${pointing} without a reason`);
    return { startMs, pointing: { kind: pointing, reason } };
  }
  const decDeg = Number(pointing);
  if (!Number.isFinite(decDeg) || decDeg < DEC_RANGE_DEG.low || decDeg > DEC_RANGE_DEG.high) {
    const { low, high } = DEC_RANGE_DEG;
    throw new ScheduleError(
      'BadPointing',
      `${where}: "${pointing}" is neither a declination from ${low} to ${high} degrees nor off or maintenance`,
    );
  }
  return { startMs, pointing: { kind: 'strip', decDeg } };
}

/** The entry in force; null before the first one and without a schedule. */
export const pointingAt = (schedule: PointingSchedule, atMs: number): Pointing | null =>
  schedule.findLast((entry) => entry.startMs <= atMs)?.pointing ?? null;

/** Whether a group that would fill `[startMs, endMs)` is expected: not when the telescope is off for any part of it. */
export function isExpected(schedule: PointingSchedule, startMs: number, endMs: number): boolean {
  const inForce = pointingAt(schedule, startMs);
  if (inForce !== null && inForce.kind !== 'strip') return false;
  return !schedule.some(({ startMs: changeMs, pointing }) => pointing.kind !== 'strip' && changeMs > startMs && changeMs < endMs);
}
