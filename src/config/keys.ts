/**
 * The list of setting keys, read off the schema: dotted snake_case names as people write them, the schema of each leaf,
 * and the nearest known name to a mistyped one.
 */
import { z } from 'zod';
import { settingsSchema } from './settings.ts';

/** `watch.pollS` → `watch.poll_s`. */
export const outsideKey = (key: string): string => key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
/** `watch.poll_s` → `watch.pollS`. */
export const insideKey = (key: string): string => key.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

/** Dotted camelCase key → schema of its value. */
export const SETTING_LEAVES: ReadonlyMap<string, z.ZodType> = new Map(leavesOf(settingsSchema, ''));

function leavesOf(schema: z.core.$ZodType, prefix: string): [string, z.ZodType][] {
  const inner = unwrapped(schema);
  if (inner instanceof z.ZodObject) {
    return Object.entries(inner.shape).flatMap(([name, part]) => leavesOf(part, prefix === '' ? name : `${prefix}.${name}`));
  }
  return schema instanceof z.ZodType ? [[prefix, schema]] : [];
}

function unwrapped(schema: z.core.$ZodType): z.core.$ZodType {
  const wrapped = schema instanceof z.ZodPrefault || schema instanceof z.ZodDefault || schema instanceof z.ZodOptional;
  return wrapped ? unwrapped(schema.unwrap()) : schema;
}

/** The known name with the fewest edits to `name`, or null when nothing is near. */
export function nearestName(name: string, known: Iterable<string>): string | null {
  let best: { name: string; edits: number } | null = null;
  for (const candidate of known) {
    const edits = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (best === null || edits < best.edits) best = { name: candidate, edits };
  }
  return best !== null && best.edits <= Math.max(2, Math.floor(name.length / 3)) ? best.name : null;
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const substituted = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      current.push(Math.min(substituted, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}
