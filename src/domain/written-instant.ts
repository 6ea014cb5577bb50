/**
 * An instant as people write it: RFC 3339, the same without a zone (then it is UTC), unix seconds, or `mjd:` and days.
 * Pure; what is no time is answered with null, never guessed.
 */
import { mjdToUnixMs } from './utc.ts';

/** The forms, for messages. */
export const INSTANT_FORMS = 'use 2025-10-02T00:05:18 (UTC), unix seconds or mjd:60000.5';

export function unixMsOfWritten(text: string): number | null {
  const mjd = /^mjd:(\d+(?:\.\d+)?)$/.exec(text)?.[1];
  if (mjd !== undefined) return mjdToUnixMs(Number(mjd));
  if (/^\d{9,}(\.\d+)?$/.test(text)) return Number(text) * 1000;
  if (!/^\d{4}-\d{2}-\d{2}/.test(text)) return null;
  const zoned = /(Z|[+-]\d{2}:\d{2})$/.test(text) || !text.includes('T') ? text : `${text}Z`;
  const unixMs = Date.parse(zoned);
  return Number.isNaN(unixMs) ? null : unixMs;
}
