/**
 * Which of the files announced for a group are its members. Pure: the same arrivals in any order give the same answer.
 */
import type { SubbandArrival } from './arrival.ts';

/** The newer settled file wins a subband; the same header content is the same file seen again. */
function supersedes(candidate: SubbandArrival, held: SubbandArrival): boolean {
  if (candidate.headerDigest === held.headerDigest && candidate.bytes === held.bytes) return false;
  return candidate.mtimeMs > held.mtimeMs || (candidate.mtimeMs === held.mtimeMs && candidate.path > held.path);
}

/**
 * The arrivals of a group once its list has been read: what was read, and what was announced while it was being read, which the
 * list may lack. `before` and `now`: what had been announced when the reading began and when it ended.
 */
export function arrivalsAfterReading(
  read: readonly SubbandArrival[],
  before: ReadonlyMap<string, SubbandArrival>,
  now: ReadonlyMap<string, SubbandArrival>,
): Map<string, SubbandArrival> {
  const meanwhile = [...now].filter(([path, arrival]) => before.get(path) !== arrival);
  return new Map([...read.map((arrival) => [arrival.path, arrival] as const), ...meanwhile]);
}

export interface MemberChoice {
  members: SubbandArrival[];
  /** Files whose times, baselines or site disagree with the majority: the group goes on without them. */
  foreign: SubbandArrival[];
  missing: number[];
}

/** One file a subband, all sharing the grid most of them have. */
export function chooseMembers(arrivals: Iterable<SubbandArrival>, expected: number): MemberChoice {
  const bySubband = new Map<number, SubbandArrival>();
  for (const arrival of arrivals) {
    const held = bySubband.get(arrival.subband);
    if (held === undefined || supersedes(arrival, held)) bySubband.set(arrival.subband, arrival);
  }
  const all = [...bySubband.values()].sort((a, b) => a.subband - b.subband);
  const grid = majorityGrid(all);
  const members = all.filter((arrival) => arrival.gridDigest === grid);
  const present = new Set(members.map((arrival) => arrival.subband));
  return {
    members,
    foreign: all.filter((arrival) => arrival.gridDigest !== grid),
    missing: Array.from({ length: expected }, (_, subband) => subband).filter((subband) => !present.has(subband)),
  };
}

export function majorityGrid(arrivals: readonly Pick<SubbandArrival, 'gridDigest'>[]): string | null {
  const votes = new Map<string, number>();
  for (const { gridDigest } of arrivals) votes.set(gridDigest, (votes.get(gridDigest) ?? 0) + 1);
  const ranked = [...votes].sort(([a, m], [b, n]) => n - m || a.localeCompare(b));
  return ranked[0]?.[0] ?? null;
}
