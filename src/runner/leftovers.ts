/**
 * Process groups that a killed worker may have left running: each attempt notes its group in its folder, and a worker that
 * starts ends what is still alive there. A group is touched only if its leader started when the note says it did.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { groupIsAlive, signalGroup } from './process-group.ts';
import { startTicksOf } from './process-table.ts';
import { systemErrorCode } from '../domain/system-error.ts';

const NOTE = 'process.json';
const noteSchema = z.strictObject({
  pgid: z.int().positive(),
  startTicks: z.int().nullable(),
  bootId: z.string(),
  ownerPid: z.int(),
  ownerStartTicks: z.int().nullable(),
});

const bootId = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();

/** Writes the note; the answer takes it away again. */
export function noteRunning(attemptFolder: string, pgid: number): () => void {
  const path = join(attemptFolder, NOTE);
  const owner = { ownerPid: process.pid, ownerStartTicks: startTicksOf(process.pid) };
  writeFileSync(path, JSON.stringify({ pgid, startTicks: startTicksOf(pgid), bootId: bootId(), ...owner }));
  return () => rmSync(path, { force: true });
}

/** Ends every noted group below `scratch` whose worker is gone. Answers the folders of the attempts it ended. */
export async function endLeftovers(scratch: string): Promise<string[]> {
  const ended: string[] = [];
  for (const folder of await attemptFolders(scratch)) {
    const path = join(folder, NOTE);
    const note = noteSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
    if (note.bootId === bootId() && startTicksOf(note.ownerPid) === note.ownerStartTicks) continue;
    if (note.bootId === bootId() && belongsTo(note)) {
      signalGroup(note.pgid, 'SIGKILL');
      ended.push(folder);
    }
    rmSync(path, { force: true });
  }
  return ended;
}

/** The leader with that start time, or, once it has ended, a group that still bears its id: ids of living groups are not reused. */
function belongsTo(note: z.infer<typeof noteSchema>): boolean {
  const leaderTicks = startTicksOf(note.pgid);
  return groupIsAlive(note.pgid) && (leaderTicks === null || leaderTicks === note.startTicks);
}

async function attemptFolders(scratch: string): Promise<string[]> {
  const folders: string[] = [];
  for (const group of await foldersIn(scratch)) {
    for (const run of await foldersIn(group)) {
      for (const attempt of await foldersIn(run)) {
        const names = await readdir(attempt);
        if (names.includes(NOTE)) folders.push(attempt);
      }
    }
  }
  return folders;
}

async function foldersIn(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map((entry) => join(folder, entry.name));
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return [];
    throw error;
  }
}
