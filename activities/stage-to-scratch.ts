/**
 * Step `stageToScratch`: makes sure every member is still the file that was admitted, and copies it to fast local disk when
 * the source is remote; a copy is hashed on its way and read back. Raw files are only read.
 */
import { mkdir, rm, stat, statfs } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { SubbandArrival } from '../src/domain/arrival.ts';
import { StepError } from '../src/domain/failure.ts';
import { sameSignature, signatureOf } from '../src/domain/file-signature.ts';
import { remoteFileSystemOf } from '../src/domain/remote-file-system.ts';
import type { Measured, StepOutputs } from '../src/domain/step-output.ts';
import { attemptScratch } from '../src/runner/scratch.ts';
import type { HostFileActivities } from './contract.ts';
import type { HostDependencies } from './dependencies.ts';
import { copyHashed, hashFile } from './hashed-copy.ts';
import { copyDiffers } from './publish.ts';
import type { Supervised } from './supervised.ts';

type Order = Parameters<HostFileActivities['stageToScratch']>[0];

export const stageToScratch =
  ({ settings }: HostDependencies): Supervised<Order, Measured<StepOutputs['stageToScratch']>> =>
  async ({ attempt, parameters, members }, { signal, progress }) => {
    for (const member of members) await assertUnchanged(member);
    const first = members[0];
    if (first === undefined) throw new Error('no members to stage');
    const copied = parameters.mode === 'copy' || (parameters.mode === 'auto' && (await isRemote(first.path)));
    if (!copied) {
      const output = { members: members.map(({ path, subband }) => ({ path, subband })), copied, bytes: 0 };
      return { output, resources: null, bytesRead: 0, bytesWritten: 0, timingsS: null, note: 'read in place' };
    }
    const folder = attemptScratch(settings.paths.scratch, attempt);
    await mkdir(folder, { recursive: true });
    const waiting = [...members];
    const staged: { path: string; subband: number }[] = [];
    const copyNext = async (): Promise<void> => {
      for (let member = waiting.shift(); member !== undefined; member = waiting.shift()) {
        signal.throwIfAborted();
        const path = join(folder, basename(member.path));
        await rm(path, { force: true });
        const written = await copyHashed(member.path, path);
        await assertUnchanged(member);
        if ((await hashFile(path)) !== written.hash) throw copyDiffers(member.path, path);
        staged.push({ path, subband: member.subband });
        progress({ fraction: staged.length / members.length, message: `copied ${staged.length} of ${members.length} subbands` });
      }
    };
    await Promise.all(Array.from({ length: parameters.copies }, copyNext));
    const bytes = members.reduce((sum, member) => sum + member.bytes, 0);
    staged.sort((a, b) => a.subband - b.subband);
    return {
      output: { members: staged, copied, bytes },
      resources: null,
      bytesRead: 2 * bytes,
      bytesWritten: bytes,
      timingsS: null,
      note: null,
    };
  };

async function assertUnchanged(member: SubbandArrival): Promise<void> {
  if (sameSignature(signatureOf(await stat(member.path, { bigint: true })), member)) return;
  throw new StepError({
    type: 'NotSettled',
    code: 'MemberChanged',
    message: `${member.path} is not the file that was admitted (size, inode or time changed)`,
    remedy: 'the watcher admits the new file by itself; then resume from collect',
    sideEffects: 'none',
  });
}

const isRemote = async (path: string): Promise<boolean> => remoteFileSystemOf((await statfs(path)).type) !== null;
