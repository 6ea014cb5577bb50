/**
 * The opaque `cursor` of lists: it holds the sort key of the last row given, so rows that arrive meanwhile move nothing.
 */
import { z } from 'zod';
import { ApiProblem } from './problem.ts';

export const encodeCursor = (key: string | number): string => Buffer.from(JSON.stringify({ after: key })).toString('base64url');

export const decodeTextCursor = (cursor: string | undefined): string | undefined => decode(cursor, z.string());
export const decodeNumberCursor = (cursor: string | undefined): number | undefined => decode(cursor, z.number());

function decode<Key>(cursor: string | undefined, key: z.ZodType<Key>): Key | undefined {
  if (cursor === undefined) return undefined;
  const parsed = z.strictObject({ after: key }).safeParse(jsonOrNull(Buffer.from(cursor, 'base64url').toString('utf8')));
  if (!parsed.success) throw new ApiProblem('invalid_cursor', 'the cursor was not made by this list');
  return parsed.data.after;
}

/** Null is never a cursor, so text that is not JSON is refused by the schema above. */
function jsonOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
