/**
 * Step `moveToTmpfs`: a copy of the Measurement Set in memory for the steps that read it next, when it fits. Not having one
 * is a recorded no-op, never a failure. A copy is read back and compared before it gets its name. The set in scratch stays:
 * `organize` publishes it by rename.
 */
import { mkdir, rename, rm, statfs } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Measured, StepOutputs } from '../src/domain/step-output.ts';
import { attemptScratch, bytesBelow, freeBytes } from '../src/runner/scratch.ts';
import type { HostFileActivities } from './contract.ts';
import type { HostDependencies } from './dependencies.ts';
import { copyFolder, hashFolder } from './hashed-copy.ts';
import { copyDiffers } from './publish.ts';
import type { Supervised } from './supervised.ts';

const TMPFS_MAGIC = 0x01021994;

type Order = Parameters<HostFileActivities['moveToTmpfs']>[0];

/** Our own corner of the shared memory file system. */
export const tmpfsRoot = (tmpfs: string): string => join(tmpfs, 'contimg');

export const moveToTmpfs =
  ({ settings }: HostDependencies): Supervised<Order, Measured<StepOutputs['moveToTmpfs']>> =>
  async ({ attempt, parameters, ms }) => {
    if (!parameters.enabled) return stays('switched off');
    if ((await statfs(dirname(ms))).type === TMPFS_MAGIC) return stays('scratch is in memory already');
    const bytes = await bytesBelow(ms);
    const allowed = (await freeBytes(settings.paths.tmpfs)) * parameters.maxFreeFraction;
    if (bytes > allowed) {
      return stays(
        `${megabytes(bytes)} do not fit into ${parameters.maxFreeFraction * 100} % of what is free in ${settings.paths.tmpfs} (${megabytes(allowed)})`,
      );
    }
    const startedAt = performance.now();
    const target = join(attemptScratch(tmpfsRoot(settings.paths.tmpfs), attempt), basename(ms));
    await mkdir(dirname(target), { recursive: true });
    const partial = `${target}.partial`;
    for (const left of [target, partial]) await rm(left, { recursive: true, force: true });
    const copied = await copyFolder(ms, partial);
    if ((await hashFolder(partial)) !== copied.hash) throw copyDiffers(ms, partial);
    await rename(partial, target);
    return {
      output: { ms: target, bytes: copied.bytes },
      resources: null,
      bytesRead: 2 * copied.bytes,
      bytesWritten: copied.bytes,
      timingsS: { copy: (performance.now() - startedAt) / 1000 },
      note: null,
    };
  };

/** Not a copy, and why. */
const stays = (note: string): Measured<StepOutputs['moveToTmpfs']> => ({
  output: { ms: null, bytes: 0 },
  resources: null,
  bytesRead: 0,
  bytesWritten: 0,
  timingsS: null,
  note,
});

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;
