/**
 * A night of a telescope that restarts, falls silent, changes its strip and loses groups, made from a seed: what it
 * observed, when each group's files came, and how many groups are missing by construction.
 */
import { issueGroup } from '../../src/catalog/groups.ts';
import { projectGroup } from '../../src/catalog/group-projection.ts';
import { lookAtLedger, type LookOrder } from '../../src/catalog/ledger-look.ts';
import type { CatalogDatabase } from '../../src/catalog/statement.ts';
import { upsertFile } from '../../src/catalog/subband-files.ts';
import { type GroupId, groupIdFromHeader } from '../../src/domain/group-id.ts';
import { isoFromUnixMs, unixMsToJd } from '../../src/domain/utc.ts';
import { keyStartingAt, projection, seenFile } from './night.ts';

/** 24 steps of the correlator. */
export const CADENCE_MS = 309_237.671;
export const MINUTE_MS = 60_000;
export const NIGHT_START_MS = Date.parse('2026-03-01T02:00:00Z');
export const DEADLINE_MS = 1_800_000;

export interface ObservedGroup {
  startMs: number;
  /** When its first file is admitted. */
  arrivesMs: number;
  decRad: number;
  isComplete: boolean;
}
export interface ObservedNight {
  groups: ObservedGroup[];
  missing: number;
}

/** Numbers in [0, 1) from a seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export function observedNight(seed: number, events: number): ObservedNight {
  const random = randomFrom(seed);
  const between = (low: number, high: number): number => low + (high - low) * random();
  const groups: ObservedGroup[] = [];
  let [startMs, decRad, missing] = [NIGHT_START_MS + between(0, 60_000), 0.952, 0];
  const observe = (changes: Partial<ObservedGroup> = {}): void => {
    groups.push({ startMs, arrivesMs: startMs + CADENCE_MS + between(2000, 20_000), decRad, isComplete: true, ...changes });
  };
  const goOn = (): void => {
    startMs += CADENCE_MS;
    observe();
  };
  observe();
  goOn();
  for (let event = 0; event < events; event++) {
    const kind = random();
    if (kind < 0.55) goOn();
    else if (kind < 0.65) {
      const lost = random() < 0.7 ? 1 : 2;
      missing += lost;
      startMs += lost * CADENCE_MS;
      goOn();
    } else if (kind < 0.75) {
      // 412–608 s from start to start, as seen across restarts; at one and a half cadences nobody can tell what was lost.
      const isShort = random() < 0.5;
      startMs += isShort ? between(412_000, 460_000) : between(468_000, 608_000);
      missing += isShort ? 0 : 1;
      if (random() < 0.4) decRad = decRad === 0.952 ? 0.881 : 0.952;
      observe();
    } else if (kind < 0.83) {
      const lost = 3 + Math.floor(between(0, 18));
      missing += lost;
      startMs += (lost + 1 + between(-0.4, 0.4)) * CADENCE_MS;
      observe();
    } else if (kind < 0.92) {
      startMs += CADENCE_MS;
      observe({ arrivesMs: startMs + CADENCE_MS + between(600_000, 9_000_000) });
    } else {
      startMs += CADENCE_MS;
      observe({ isComplete: false });
    }
  }
  // Enough that every row before them has come to its end.
  for (let group = 0; group < 12; group++) goOn();
  return { groups, missing };
}

/** Admits a group as the watcher does at `nowMs`, with what its workflow says of it. */
export function admit(database: CatalogDatabase, group: ObservedGroup, nowMs: number): GroupId {
  const key = { ...keyStartingAt(isoFromUnixMs(group.startMs), group.decRad) };
  // To the microsecond: the text above has milliseconds only.
  key.t0Jd = unixMsToJd(group.startMs) + key.integrationS / 2 / 86_400;
  const receivedAt = isoFromUnixMs(nowMs);
  const groupId = issueGroup(database, { key, groupId: groupIdFromHeader(key.t0Jd, key.integrationS), receivedAt });
  upsertFile(database, seenFile(groupId, 0, { inode: groupId, seenAt: receivedAt }));
  const presentSubbands = Array.from({ length: group.isComplete ? 16 : 15 }, (_, subband) => subband);
  projectGroup(database, projection(groupId, key, { presentSubbands, receivedAt }), receivedAt);
  return groupId;
}

export const look = (database: CatalogDatabase, nowMs: number, changes: Partial<LookOrder> = {}) =>
  lookAtLedger(database, {
    nowMs,
    nominalCadenceMs: 300_000,
    deadlineMs: DEADLINE_MS,
    schedule: [],
    scheduleProblem: null,
    ...changes,
  });
