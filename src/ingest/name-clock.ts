/**
 * What the time in a file's name is good for. It never makes a member; it shows an unread file with the group it probably
 * belongs to, and it betrays a node whose clock runs apart from those of its group.
 */

/** Widest spread of names within one real group, plus a little: nothing merges at this distance. */
const NAME_SPREAD_MS = 120_000;
/** With fewer names there is no saying which of them is wrong. */
const NAMES_FOR_A_MEDIAN = 3;

/** The lower median, so that it is one of the names. */
export function lowerMedian(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? null;
}

/** Whether each name time lies apart from the median of all. The order of the names does not matter. */
export function isOutlier(nameTimesMs: readonly number[]): (nameMs: number) => boolean {
  const median = nameTimesMs.length < NAMES_FOR_A_MEDIAN ? null : lowerMedian(nameTimesMs);
  return (nameMs) => median !== null && Math.abs(nameMs - median) > NAME_SPREAD_MS;
}

/** The nearest of the groups by the median of its names, within the spread; null when none is near. */
export function nearestGroup<Id>(groups: readonly { id: Id; medianMs: number }[], nameMs: number): Id | null {
  let best: { id: Id; distanceMs: number } | null = null;
  for (const { id, medianMs } of groups) {
    const distanceMs = Math.abs(medianMs - nameMs);
    if (distanceMs <= NAME_SPREAD_MS && (best === null || distanceMs < best.distanceMs)) best = { id, distanceMs };
  }
  return best?.id ?? null;
}
