/**
 * One look at what the telescope should have produced by now, in one transaction: rows for what is missing between groups,
 * for what should have begun since the last one, and an end for what waited too long. A second look at the same instant
 * changes nothing; a look that was lost is made up by the next.
 */
import { z } from 'zod';
import {
  type Cadence,
  isSilence,
  lastRun,
  learnCadence,
  SILENT_AFTER_CADENCES,
  type Stretch,
  unseenAfter,
  unseenBetween,
} from '../domain/expectation.ts';
import { pointingAt, type PointingSchedule } from '../domain/pointing-schedule.ts';
import { isoFromUnixMs } from '../domain/utc.ts';
import { cover } from './ledger-holes.ts';
import { closeOverdue } from './ledger-overdue.ts';
import { nameFilesWithoutGroup } from './ledger-names.ts';
import { markJudged, neighboursOf, newestSightings, type Sighting, unjudgedSightings } from './ledger-sightings.ts';
import { type Expectation, recordExpectation } from './ledger-expectation.ts';
import { type CatalogDatabase, inTransaction, rowOf } from './statement.ts';

export interface LookOrder {
  nowMs: number;
  nominalCadenceMs: number;
  /** How long a group may collect. */
  deadlineMs: number;
  schedule: PointingSchedule;
  /** Why the schedule that was named is not used; null when it is, or when none was named. */
  scheduleProblem: string | null;
}

/** Settling, a scan and the minute until the next look. */
const MARGIN_MS = 120_000;
/** The groups that tell the cadence and whether the telescope is silent. */
const GROUPS_REMEMBERED = 100;
/** Archives of different days are not one night with a hole in it. */
const ARCHIVE_GAP_MS = 86_400_000;

interface Look extends LookOrder {
  database: CatalogDatabase;
  at: string;
  cadence: Cadence;
}

export function lookAtLedger(database: CatalogDatabase, order: LookOrder): Expectation {
  return inTransaction(database, () => {
    const at = isoFromUnixMs(order.nowMs);
    // Whatever the clock says: one that went back must not forget the cadence.
    const headers = newestSightings(database, null, GROUPS_REMEMBERED).flatMap(({ header }) => header ?? []);
    const look: Look = { ...order, database, at, cadence: learnCadence(headers, order.nominalCadenceMs) };
    nameFilesWithoutGroup(database, { cadenceMs: look.cadence.ms, at });
    judgeGaps(look);
    const basis = headers.length < 2 ? 'needs 2 groups' : expectNow(look);
    closeOverdue(database, { nowMs: order.nowMs, at, waitMs: look.cadence.ms + order.deadlineMs + MARGIN_MS, settleMs: settleMs(look) });
    return recordExpectation(database, {
      planned_at: at,
      cadence_s: look.cadence.ms / 1000,
      cadence_from: look.cadence.from,
      is_expecting: basis === null,
      basis: basis ?? `${headers.length} groups`,
      schedule_problem: order.scheduleProblem,
    });
  });
}

/** While files of one stretch may still be coming in, in any order, nothing is said of its holes. */
const settleMs = (look: Look): number => SILENT_AFTER_CADENCES * look.cadence.ms;

/** The stretches on both sides of everything that was seen lately. */
function judgeGaps(look: Look): void {
  const { database } = look;
  for (const seen of unjudgedSightings(database)) {
    const { previous, next } = neighboursOf(database, seen);
    const isSettled = [previous, seen, next].every((one) => one === null || hasSettled(look, one));
    const stretches = [...between(look, previous, seen), ...between(look, seen, next)];
    cover(database, {
      ...holesOf(look, seen),
      fromMs: previous?.startMs ?? seen.startMs,
      toMs: next?.startMs ?? seen.startMs,
      stretches,
      mayOpen: (stretch) => (!isSettled ? 'nothing' : isSilence(stretch) ? 'range' : 'rows'),
    });
    if (isSettled) markJudged(database, seen);
  }
}

/** By distance, so that a clock that went back delays nothing for long. */
const hasSettled = (look: Look, seen: Sighting): boolean =>
  seen.unjudgedSinceMs === null || Math.abs(look.nowMs - seen.unjudgedSinceMs) >= settleMs(look);

function between(look: Look, from: Sighting | null, to: Sighting | null): Stretch[] {
  if (from === null || to === null) return [];
  if (!from.isLive && to.startMs - from.startMs > ARCHIVE_GAP_MS) return [];
  return unseenBetween(from.startMs, to.startMs, look.cadence.ms, look.schedule);
}

/** What should have begun since the last group. Answers why nothing is expected now, or null. */
function expectNow(look: Look): string | null {
  const { database, nowMs, cadence, schedule } = look;
  const recent = newestSightings(database, nowMs, GROUPS_REMEMBERED);
  const run = lastRun(recent, cadence.ms);
  const last = run.at(-1);
  if (last === undefined) return 'needs 2 groups';
  // A look by a clock that went back knows less than what is written already.
  if (neighboursOf(database, last).next !== null) return 'the clock is behind what was seen';
  if (!run.some((seen) => seen.isLive)) return 'the newest groups are of an archive';
  const anchor = run.findLast((seen) => seen.header?.isComplete === true);
  const lastFileMs = Math.max(newestFileMs(look), last.startMs + cadence.ms);
  const isSilentSince = (ms: number): boolean => nowMs - ms > SILENT_AFTER_CADENCES * cadence.ms + MARGIN_MS;
  const stretches = unseenAfter(last.startMs, { nowMs, anchorMs: (anchor ?? last).startMs, cadenceMs: cadence.ms }, schedule);
  cover(database, {
    ...holesOf(look, last),
    fromMs: last.startMs,
    toMs: nowMs,
    stretches,
    mayOpen: (stretch) => {
      const followsLast = (stretch.beginsMs[0] ?? nowMs) - last.startMs < 2 * cadence.ms;
      if (isSilentSince(followsLast ? lastFileMs : Math.max(lastFileMs, stretch.beginsMs[0] ?? nowMs))) return 'range';
      // After a stretch without expectation the phase is not known until a group has come.
      return followsLast && anchor !== undefined ? 'rows' : 'nothing';
    },
  });
  if (isSilentSince(lastFileMs)) return 'the telescope is silent';
  return anchor === undefined ? 'waits for a complete group' : null;
}

function newestFileMs(look: Look): number {
  const newest = rowOf(
    look.database,
    z.object({ at: z.string().nullable() }),
    'SELECT MAX(first_seen_at) AS at FROM subband_files WHERE first_seen_at <= :at',
    { at: look.at },
  );
  return newest?.at == null ? 0 : Date.parse(newest.at);
}

const holesOf = (look: Look, beside: Sighting) => ({
  cadenceMs: look.cadence.ms,
  at: look.at,
  decDegAt: (ms: number): number | null => {
    const pointing = pointingAt(look.schedule, ms);
    return pointing?.kind === 'strip' ? pointing.decDeg : beside.decDeg;
  },
});
