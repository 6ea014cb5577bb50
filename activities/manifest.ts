/**
 * `<group_id>.manifest.json` beside a published Measurement Set: what it was made from and how. A set without its manifest
 * is not published yet; the next attempt finishes it.
 */
import { open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { asking } from '../src/catalog/database.ts';
import { aliasesOf } from '../src/catalog/group-aliases.ts';
import type { GroupId } from '../src/domain/group-id.ts';
import { type ConcatResult, concatResultSchema, validateResultSchema, type ValidateResult } from '../src/domain/science-result.ts';
import { camelCased, snakeCased } from '../src/domain/spelling.ts';
import { systemErrorCode } from '../src/domain/system-error.ts';
import type { GroupKey } from '../src/domain/arrival.ts';
import type { HostDependencies } from './dependencies.ts';
import { syncFolder } from './publish.ts';

const readableSchema = z.looseObject({
  groupId: z.string(),
  contentDigest: z.string(),
  conversion: concatResultSchema,
  validation: validateResultSchema,
});

/** Times in seconds, as measured; null where a step did not measure. What the conversion found is in `conversion` as it said it. */
export interface Manifest {
  groupId: string;
  aliases: string[];
  runId: string;
  runNumber: number;
  key: GroupKey;
  contentDigest: string;
  subbandsMissing: number[];
  integrationsMissing: { subband: number; integrations: number[] }[];
  degradedReasons: string[];
  parameters: Record<string, unknown>;
  parametersDigest: string;
  secondsMeasured: Record<string, number>;
  peakMemoryBytes: Record<'concat' | 'validate', number | null>;
  conversion: ConcatResult;
  validation: ValidateResult;
}

export const manifestPathOf = (ms: string): string => ms.replace(/\.ms$/, '.manifest.json');

export async function writeManifest(ms: string, manifest: Manifest): Promise<string> {
  const path = manifestPathOf(ms);
  const partial = `${path}.partial`;
  const handle = await open(partial, 'w');
  try {
    await handle.writeFile(`${JSON.stringify(snakeCased({ schemaVersion: 1, ...manifest }), null, 2)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(partial, path);
  await syncFolder(dirname(path));
  return path;
}

/** The manifest beside a Measurement Set, or null when there is none. */
export async function readManifest(ms: string): Promise<z.infer<typeof readableSchema> | null> {
  try {
    return readableSchema.parse(camelCased(JSON.parse(await readFile(manifestPathOf(ms), 'utf8'))));
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return null;
    throw error;
  }
}

/** Other names people may look the group up by. */
export const aliasNames = (openCatalog: HostDependencies['openCatalog'], groupId: GroupId): string[] =>
  asking(openCatalog, (database) => aliasesOf(database, groupId).map(({ alias }) => alias));
