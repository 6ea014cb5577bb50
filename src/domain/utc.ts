/**
 * UTC as the pipeline speaks it: Julian dates and MJD as numbers (days), text as RFC 3339 with `Z`.
 * Pure functions of their arguments; nothing here reads a clock. Leap seconds are not represented in either form,
 * so a Julian date and its text agree to the double's resolution (40 µs).
 */

const UNIX_EPOCH_JD = 2_440_587.5;
const MJD_ZERO_JD = 2_400_000.5;
const DAY_MS = 86_400_000;

export const jdToUnixMs = (jd: number): number => (jd - UNIX_EPOCH_JD) * DAY_MS;
export const unixMsToJd = (unixMs: number): number => unixMs / DAY_MS + UNIX_EPOCH_JD;
export const jdToMjd = (jd: number): number => jd - MJD_ZERO_JD;
export const mjdToUnixMs = (mjd: number): number => jdToUnixMs(mjd + MJD_ZERO_JD);
export const unixMsToMjd = (unixMs: number): number => jdToMjd(unixMsToJd(unixMs));

/** RFC 3339 with milliseconds and `Z`. */
export const isoFromUnixMs = (unixMs: number): string => new Date(unixMs).toISOString();

/** The zone-less second form of the seed documents, `2025-10-02T00:05:18`; rounds to the nearest second. */
export const secondTextFromUnixMs = (unixMs: number): string => new Date(Math.round(unixMs / 1000) * 1000).toISOString().slice(0, 19);

const SECOND_TEXT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}$/;

/** Milliseconds of `2025-10-02T00:05:18` read as UTC, or null when it is not such a text or no such instant. */
export function unixMsFromSecondText(text: string): number | null {
  if (!SECOND_TEXT.test(text)) return null;
  const unixMs = Date.parse(`${text}Z`);
  return Number.isNaN(unixMs) || secondTextFromUnixMs(unixMs) !== text ? null : unixMs;
}
