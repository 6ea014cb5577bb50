/**
 * Finds the published Measurement Set that was made from exactly these raw files, so that nothing is converted twice. A set
 * counts only with its manifest, whole on disk, and when no member was written after it.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { manifestPathOf, readManifest } from '../../activities/manifest.ts';
import { exists, versionedPath } from '../../activities/publish.ts';
import type { SubbandArrival } from '../domain/arrival.ts';
import { dateFolderOfGroup, type GroupId } from '../domain/group-id.ts';
import { concatResultSchema, type ConcatResult, type ValidateResult } from '../domain/science-result.ts';

export interface EarlierConversion {
  ms: string;
  concat: ConcatResult;
  validation: ValidateResult;
}

const withConversion = z.looseObject({ conversion: concatResultSchema });

export async function earlierConversion(
  output: string,
  groupId: GroupId,
  members: readonly SubbandArrival[],
): Promise<EarlierConversion | null> {
  const wanted = namesOf(members);
  const newestMemberMs = Math.max(...members.map(({ mtimeMs }) => mtimeMs));
  for (const kind of ['science', 'calibrators']) {
    const folder = join(output, 'ms', kind, dateFolderOfGroup(groupId));
    for (let version = 1; ; version += 1) {
      const ms = versionedPath(folder, groupId, '.ms', version);
      const manifest = await readManifest(ms);
      if (manifest === null) break;
      const { conversion } = withConversion.parse(manifest);
      const { mtimeMs } = await stat(manifestPathOf(ms));
      const isWhole = await exists(join(ms, 'table.dat'));
      if (isWhole && mtimeMs >= newestMemberMs && namesOf(conversion.inputs) === wanted) {
        return { ms, concat: conversion, validation: manifest.validation };
      }
    }
  }
  return null;
}

const namesOf = (files: readonly { path: string; bytes: number }[]): string =>
  files
    .map(({ path, bytes }) => `${bytes} ${path}`)
    .sort()
    .join('\n');
