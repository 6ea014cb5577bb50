/** Figures and times as people read them. What was not measured is a dash, never 0. */

export const UNKNOWN = '–';

export function duration(seconds: number | null): string {
  if (seconds === null) return UNKNOWN;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}

export function bytes(count: number | null): string {
  if (count === null) return UNKNOWN;
  const [value, unit] = count < 1e6 ? [count / 1e3, 'kB'] : count < 1e9 ? [count / 1e6, 'MB'] : [count / 1e9, 'GB'];
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${unit}`;
}

/** 12:04:09, with the day in front when it is not the day of `nowMs`. */
export function utcTime(instant: string, nowMs = Date.now()): string {
  const day = instant.slice(0, 10);
  const time = `${instant.slice(11, 19)} UTC`;
  return day === new Date(nowMs).toISOString().slice(0, 10) ? time : `${day} ${time}`;
}

export const mjdOf = (instant: string): number => Date.parse(instant) / 86_400_000 + 40_587;

export function sexagesimalHours(hours: number): string {
  const total = Math.floor((((hours % 24) + 24) % 24) * 3600);
  return [Math.floor(total / 3600), Math.floor(total / 60) % 60, total % 60].map((part) => String(part).padStart(2, '0')).join(':');
}

export const inWords = (name: string): string => name.replaceAll('_', ' ');
