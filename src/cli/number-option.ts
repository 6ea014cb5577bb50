/** The number that an option was given; anything else is wrong usage. */
import { usageError } from './problem.ts';

export function numberOf(flag: string, value: unknown, example: number): number {
  const number = Number(value);
  if (value === '' || !Number.isFinite(number))
    throw usageError(`${flag} takes a number, not "${String(value)}"`, `for example ${flag} ${example}`);
  return number;
}
