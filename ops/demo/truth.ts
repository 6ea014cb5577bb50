/** What the simulator wrote down about its night, as far as the demo compares it. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const truthSchema = z.looseObject({
  finished: z.boolean(),
  sources: z.array(z.looseObject({ name: z.string(), light_curve: z.looseObject({ kind: z.string() }) })),
  groups: z.array(
    z.looseObject({
      index: z.int(),
      group_id: z.string(),
      kind: z.string(),
      day: z.int(),
      mid_mjd: z.number(),
      subbands_late: z.array(z.int()),
      sources: z.array(z.looseObject({ name: z.string(), band_flux_jy: z.number() })),
    }),
  ),
  files: z.array(z.looseObject({ name: z.string(), subband: z.int(), made_for: z.string(), group_id: z.string().nullable() })),
});
export type Truth = z.infer<typeof truthSchema>;

export function readTruth(folder: string): Truth | null {
  const path = join(folder, 'truth', 'truth.json');
  return existsSync(path) ? truthSchema.parse(JSON.parse(readFileSync(path, 'utf8'))) : null;
}

/** Subbands of a group whose file the pipeline must refuse. */
export const refusedSubbands = (truth: Truth, groupId: string): number[] =>
  truth.files.filter((file) => file.made_for === groupId && file.group_id === null).map((file) => file.subband);
