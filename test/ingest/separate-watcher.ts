/**
 * The watcher in a process of its own: as a user without the rights of root, or with less inotify than it wants. For tests
 * of what the kernel decides.
 */
import { spawn } from 'node:child_process';
import { chownSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';

/** `nobody`: reads what everybody may read, and nothing else. */
const ORDINARY_USER = 65_534;
const IS_ROOT = process.getuid?.() === 0;
const WATCHER = join(process.cwd(), 'test/ingest/fixtures/watcher.ts');

const statusSchema = z.looseObject({ mode: z.enum(['events', 'poll']), mode_reason: z.string().nullable() });
export type SeparateStatus = z.infer<typeof statusSchema>;

export interface SeparateWatcher {
  /** Asks it to stop, where it does not end by itself; its last status. */
  stop(): Promise<SeparateStatus>;
}

/** Hands a folder and all in it to the user that `asOrdinaryUser` runs as. */
export function giveToOrdinaryUser(folder: string): void {
  if (!IS_ROOT) return;
  for (const path of ['.', ...readdirSync(folder, { recursive: true, encoding: 'utf8' })]) {
    chownSync(join(folder, path), ORDINARY_USER, ORDINARY_USER);
  }
}

export const asOrdinaryUser = (input: string, state: string, how: 'once' | 'follow' = 'follow'): SeparateWatcher => {
  const id = String(ORDINARY_USER);
  return start(IS_ROOT ? ['setpriv', `--reuid=${id}`, `--regid=${id}`, '--clear-groups'] : [], input, state, how);
};

/** In a user namespace of its own, whose limits are nobody else's. */
export const withInotifyLimit = (limit: 'max_inotify_instances' | 'max_inotify_watches', value: number, input: string, state: string) =>
  start(['unshare', '-Ur', 'sh', '-c', `echo ${value} > /proc/sys/user/${limit} && exec "$@"`, 'sh'], input, state, 'follow');

function start(prefix: readonly string[], input: string, state: string, how: 'once' | 'follow'): SeparateWatcher {
  const [command, ...rest] = [...prefix, process.execPath, WATCHER, input, state, how];
  const child = spawn(command, rest, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<number | null>((resolve, reject) => child.once('close', resolve).once('error', reject));
  let last = '';
  createInterface(child.stdout).on('line', (line) => (last = line));
  return {
    async stop() {
      if (how === 'follow') child.kill('SIGTERM');
      const code = await ended;
      if (code !== 0) throw new Error(`the watcher ended with ${code}`);
      return statusSchema.parse(JSON.parse(last));
    },
  };
}
