/** An instant as an argument of a command; what is no time is wrong usage. */
import { INSTANT_FORMS, unixMsOfWritten } from '../domain/written-instant.ts';
import { usageError } from './problem.ts';

/** UTC milliseconds. */
export function instant(text: string): number {
  const unixMs = unixMsOfWritten(text);
  if (unixMs === null) throw usageError(`"${text}" is not a time`, INSTANT_FORMS);
  return unixMs;
}

/** A whole number above zero, as an option takes it. */
export function positiveInteger(flag: string, value: unknown): number {
  const number = Number(value);
  if (!Number.isInteger(number) || number < 1)
    throw usageError(`${flag} takes a whole number above 0, not "${String(value)}"`, `for example ${flag} 2`);
  return number;
}
