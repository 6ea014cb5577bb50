/** Batch conversion as one call, and where its sets appear. */
import { join } from 'node:path';
import { versionedPath } from '../../activities/publish.ts';
import { dateFolderOfGroup, groupIdSchema } from '../domain/group-id.ts';
import { INSTANT_FORMS, unixMsOfWritten } from '../domain/written-instant.ts';
import { convertBatch } from './foreground-batch.ts';
import type { Conversion } from './foreground-conversion.ts';
import { libraryLog, settingsOf, type WorkerConfig } from './worker-config.ts';

export interface BatchConversion extends WorkerConfig {
  inputDir: string;
  /** RFC 3339, the same without zone (UTC), unix seconds as text, or `mjd:60000.5`. */
  startTime: string;
  /** Not included; equal to `startTime`: the group that holds that instant. */
  endTime: string;
  /** Groups at a time; default as many as steps fit on this machine. */
  jobs?: number;
  /** Convert also what is there already. */
  force?: boolean;
  signal?: AbortSignal;
  onProgress?: (line: string) => void;
}

/**
 * Converts the groups that start in the interval, in this process, and records them in the product database. Answers one
 * entry a group, oldest first, failed ones included; repeated, it leaves alone what is valid. Needs no Temporal.
 */
export async function convertSubbandGroupsToMs(batch: BatchConversion): Promise<Conversion[]> {
  const { startTime, endTime, jobs, force, signal, onProgress, ...config } = batch;
  const settings = settingsOf(config);
  const { conversions } = await convertBatch({
    settings,
    interval: { startMs: instantOf(startTime), endMs: instantOf(endTime) },
    jobs: jobs ?? settings.worker.slots,
    force: force ?? false,
    signal: signal ?? new AbortController().signal,
    progress: onProgress ?? (() => undefined),
    log: libraryLog(config),
  });
  return conversions;
}

function instantOf(text: string): number {
  const unixMs = unixMsOfWritten(text);
  if (unixMs === null) throw new RangeError(`"${text}" is not a time: ${INSTANT_FORMS}`);
  return unixMs;
}

/** Answers where the Measurement Set of a group is published: `<msBaseDir>/{science,calibrators,failed}/YYYY-MM-DD/<group>.ms`. */
export function createPathMapper(options: { msBaseDir: string; isCalibrator?: boolean; isFailed?: boolean }): (groupId: string) => string {
  const kind = options.isFailed === true ? 'failed' : options.isCalibrator === true ? 'calibrators' : 'science';
  return (text) => {
    const groupId = groupIdSchema.parse(text);
    return versionedPath(join(options.msBaseDir, kind, dateFolderOfGroup(groupId)), groupId, '.ms', 1);
  };
}
