/**
 * `ms/failed/YYYY-MM-DD/<group_id>.ms/`: what is left for a person when a group cannot be converted: why, what was tried, the
 * end of the log, and the rejected Measurement Set. A plain folder, so that no tool opens it as a table. Telling the same
 * failure again changes nothing; a later success adds `resolved_by` to each of the group's folders and touches nothing else.
 */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { dateFolderOfGroup, type GroupId, groupIdSchema } from '../src/domain/group-id.ts';
import { snakeCased } from '../src/domain/spelling.ts';
import type { Measured } from '../src/domain/step-output.ts';
import { systemErrorCode } from '../src/domain/system-error.ts';
import { SALVAGED } from '../src/runner/kept-leftovers.ts';
import type { HostFileActivities } from './contract.ts';
import type { HostDependencies } from './dependencies.ts';
import { aliasNames } from './manifest.ts';
import { exists, moveInto, syncFolder, versionedPath } from './publish.ts';
import type { Supervised } from './supervised.ts';

type Order = Parameters<HostFileActivities['fileFailure']>[0];
type Answer = Awaited<ReturnType<HostFileActivities['fileFailure']>>;

const errorSchema = z.looseObject({ run_id: z.string(), step: z.string(), attempt: z.number() });
type ErrorDocument = z.infer<typeof errorSchema>;

export const fileFailure =
  ({ settings, openCatalog }: HostDependencies): Supervised<Order, Answer> =>
  async (order) => {
    const { attempt, failure, attempts, known } = order;
    const groupId = groupIdSchema.parse(attempt.groupId);
    const folder = await folderFor(settings.paths.output, order);
    await mkdir(folder, { recursive: true });
    const aliases = aliasNames(openCatalog, groupId);
    await write(join(folder, 'manifest.json'), { schemaVersion: 1, groupId, aliases, ...known });
    const log = await logTailOf(failure.capsulePath);
    if (log !== null) await writeFile(join(folder, 'log-tail.txt'), `${log.join('\n')}\n`);
    const ms = order.rejectedMs !== null && (await exists(order.rejectedMs)) ? order.rejectedMs : null;
    if (ms !== null) await moveInto(ms, join(folder, SALVAGED), attempt);
    const { groupId: _, ...name } = attempt;
    // Last, so that a folder with it is whole.
    await write(join(folder, 'error.json'), { schemaVersion: 1, groupId, ...name, ...failure, attempts, failedAt: order.requestedAt });
    await syncFolder(folder);
    return measured({ folder, salvaged: await exists(join(folder, SALVAGED)) });
  };

const measured = (output: Answer['output']): Measured<Answer['output']> => ({
  output,
  resources: null,
  bytesRead: null,
  bytesWritten: null,
  timingsS: null,
  note: null,
});

/** The group's folder of this very failure, or the next that is free. */
async function folderFor(output: string, { attempt }: Order): Promise<string> {
  for (let version = 1; ; version += 1) {
    const folder = failedFolder(output, groupIdSchema.parse(attempt.groupId), version);
    const filed = await readError(folder);
    if (filed === null) return folder;
    if (filed.run_id === attempt.runId && filed.step === attempt.step && filed.attempt === attempt.attempt) return folder;
  }
}

const failedFolder = (output: string, groupId: GroupId, version: number): string =>
  versionedPath(join(output, 'ms', 'failed', dateFolderOfGroup(groupId)), groupId, '.ms', version);

/** Every failure of the group on file was overcome by this set. */
export async function resolveFailures(
  output: string,
  groupId: GroupId,
  by: { ms: string; runId: string; runNumber: number; at: string },
): Promise<void> {
  for (let version = 1; ; version += 1) {
    const folder = failedFolder(output, groupId, version);
    const filed = await readError(folder);
    if (filed === null) return;
    if (filed['resolved_by'] === undefined) await write(join(folder, 'error.json'), { ...filed, resolvedBy: by });
  }
}

async function readError(folder: string): Promise<ErrorDocument | null> {
  const text = await readOrNull(join(folder, 'error.json'));
  return text === null ? null : errorSchema.parse(JSON.parse(text));
}

const capsuleSchema = z.looseObject({ log_tail: z.array(z.string()) });

async function logTailOf(capsulePath: string | null): Promise<string[] | null> {
  const text = capsulePath === null ? null : await readOrNull(capsulePath);
  return text === null ? null : capsuleSchema.parse(JSON.parse(text)).log_tail;
}

async function write(path: string, document: object): Promise<void> {
  await writeFile(`${path}.partial`, `${JSON.stringify(snakeCased(document), null, 2)}\n`);
  await rename(`${path}.partial`, path);
}

async function readOrNull(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return null;
    throw error;
  }
}
