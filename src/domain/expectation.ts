/**
 * When the telescope should have begun a group: the cadence learnt from headers, and the begins that are missing between
 * two that were seen or after the last one. Pure functions of their arguments; no clock, no database. All times are unix
 * milliseconds, UTC.
 */
import { median } from './median.ts';
import { isExpected, type PointingSchedule } from './pointing-schedule.ts';

/** A group as its header tells of it. */
export interface HeaderTimes {
  startMs: number;
  /** Integrations times their length. */
  lengthMs: number;
  /** All its subbands are there. */
  isComplete: boolean;
}

export interface Cadence {
  ms: number;
  from: 'headers' | 'nominal';
}

/** Begins that nothing was seen of, with nothing unexpected between them. */
export interface Stretch {
  beginsMs: readonly number[];
  /** Exclusive. */
  endMs: number;
}

/** More cadences than this without any file, and the telescope is silent. */
export const SILENT_AFTER_CADENCES = 3;
/** Steps of one run of the correlator agree far better; anything else is another step. */
const SAME_STEP = 0.01;

export const isSilence = (stretch: Stretch): boolean => stretch.beginsMs.length >= SILENT_AFTER_CADENCES;

/**
 * From one begin to the next. A group is as long as the cadence, and the smallest step between begins is the exact value of
 * it. Where the two differ by more than rounding, groups are missing between, or files hold less than the cadence: the one
 * nearer the nominal cadence is taken. Before any complete group it is the nominal one.
 */
export function learnCadence(groups: readonly HeaderTimes[], nominalMs: number): Cadence {
  const lengthMs = median(groups.filter((group) => group.isComplete).map((group) => group.lengthMs));
  if (lengthMs === null) return { ms: nominalMs, from: 'nominal' };
  const stepMs = smallestStep(groups, lengthMs);
  if (stepMs === null) return { ms: lengthMs, from: 'headers' };
  if (Math.abs(stepMs / lengthMs - 1) <= SAME_STEP) return { ms: stepMs, from: 'headers' };
  const distance = (ms: number): number => Math.abs(Math.log(ms / nominalMs));
  return { ms: distance(stepMs) < distance(lengthMs) ? stepMs : lengthMs, from: 'headers' };
}

function smallestStep(groups: readonly HeaderTimes[], lengthMs: number): number | null {
  const starts = groups.map((group) => group.startMs).toSorted((one, other) => one - other);
  const steps = starts.slice(1).map((startMs, index) => startMs - (starts[index] ?? startMs));
  // Two groups nearer than one is long are one observation under two keys.
  const possible = steps.filter((stepMs) => stepMs > lengthMs * (1 - SAME_STEP));
  const smallest = Math.min(...possible);
  return median(possible.filter((stepMs) => stepMs <= smallest * (1 + SAME_STEP)));
}

/** What should have begun after `fromMs` and before `nextMs`, when both were seen. */
export function unseenBetween(fromMs: number, nextMs: number, cadenceMs: number, schedule: PointingSchedule): Stretch[] {
  const count = Math.round((nextMs - fromMs) / cadenceMs) - 1;
  return stretches(fromMs, count, cadenceMs, schedule).map((stretch) => ({ ...stretch, endMs: Math.min(stretch.endMs, nextMs) }));
}

/** What should have begun after `fromMs` up to now, on the phase of `anchorMs`. */
export function unseenAfter(
  fromMs: number,
  now: { nowMs: number; anchorMs: number; cadenceMs: number },
  schedule: PointingSchedule,
): Stretch[] {
  const { nowMs, anchorMs, cadenceMs } = now;
  const onPhaseMs = anchorMs + Math.round((fromMs - anchorMs) / cadenceMs) * cadenceMs;
  return stretches(onPhaseMs, Math.floor((nowMs - onPhaseMs) / cadenceMs), cadenceMs, schedule);
}

/** `count` begins after `fromMs`, parted where the schedule expects nothing. */
function stretches(fromMs: number, count: number, cadenceMs: number, schedule: PointingSchedule): Stretch[] {
  const parts: { beginsMs: number[]; endMs: number }[] = [];
  let isOpen = false;
  for (let number = 1; number <= count; number++) {
    const beginMs = fromMs + number * cadenceMs;
    const endMs = beginMs + cadenceMs;
    if (!isExpected(schedule, beginMs, endMs)) {
      isOpen = false;
      continue;
    }
    const part = isOpen ? parts.at(-1) : undefined;
    if (part === undefined) parts.push({ beginsMs: [beginMs], endMs });
    else {
      part.beginsMs.push(beginMs);
      part.endMs = endMs;
    }
    isOpen = true;
  }
  return parts;
}

/** The groups at the end of a list in order of time that follow each other without a silence. */
export function lastRun<Seen extends { startMs: number }>(seen: readonly Seen[], cadenceMs: number): Seen[] {
  const firstOfRun = seen.findLastIndex((one, index) => {
    const before = seen[index - 1];
    return before === undefined || Math.round((one.startMs - before.startMs) / cadenceMs) > SILENT_AFTER_CADENCES;
  });
  return seen.slice(Math.max(0, firstOfRun));
}
