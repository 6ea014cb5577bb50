/**
 * What a science program may say on stdout (science/contimg_science/protocol.py): one JSON object a line.
 */
import { z } from 'zod';
import { FAILURE_TYPES, SIDE_EFFECTS } from '../domain/failure.ts';
import { camelCased } from '../domain/spelling.ts';

const resourcesSchema = z.looseObject({ wallS: z.number(), cpuS: z.number(), maxRssBytes: z.number() });

const scienceEventSchema = z.discriminatedUnion('event', [
  z.looseObject({ event: z.literal('progress'), fraction: z.number(), message: z.string() }),
  z.looseObject({ event: z.literal('result'), result: z.unknown(), resources: resourcesSchema }),
  z.looseObject({
    event: z.literal('failure'),
    type: z.enum(FAILURE_TYPES),
    code: z.string(),
    message: z.string(),
    remedy: z.string(),
    sideEffects: z.enum(SIDE_EFFECTS),
  }),
]);
export type ScienceEvent = z.infer<typeof scienceEventSchema>;

/** Null for a line that starts like an event and is none. */
export function readEvent(line: string): ScienceEvent | null {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
  const parsed = scienceEventSchema.safeParse(camelCased(json));
  return parsed.success ? parsed.data : null;
}
