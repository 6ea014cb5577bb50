/**
 * One subprocess and everything it starts, as a process group: started without a shell, killed by the kernel when this
 * process dies, ended as a whole. After `done` resolves no member of the group is left.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { constants, accessSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { membersOf } from './process-table.ts';
import { systemErrorCode } from '../domain/system-error.ts';

export interface ProcessLimits {
  /** Address space, bytes. */
  addressSpaceBytes?: number;
  /** Largest file it may write, bytes. */
  fileSizeBytes?: number;
}

export interface ProcessEnd {
  exitCode: number | null;
  exitSignal: NodeJS.Signals | null;
}

export interface ProcessGroup {
  pid: number;
  stdout: Readable;
  stderr: Readable;
  /** Resolves when the leader has ended, its output is read and no member of the group is alive. */
  done: Promise<ProcessEnd>;
  /** SIGTERM to all, SIGKILL after `graceMs`. Safe to call twice. */
  stop(graceMs: number): void;
}

/** Output of stragglers is not waited for longer than this. */
const PIPE_DRAIN_MS = 2_000;
/** How long members that outlive their leader may take to go by themselves. */
const STRAGGLER_GRACE_MS = 500;

export async function startProcessGroup(order: {
  command: readonly string[];
  cwd: string;
  env: Readonly<Record<string, string>>;
  limits?: ProcessLimits;
}): Promise<ProcessGroup> {
  const [program, ...args] = confined(order.command, order.limits ?? {});
  if (program === undefined) throw new RangeError('an empty command');
  const child = spawn(program, args, { cwd: order.cwd, env: { ...order.env }, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  await started(child);
  const pid = child.pid;
  if (pid === undefined) throw new Error(`${program} has no process id`);
  let stopping = false;
  return {
    pid,
    stdout: child.stdout,
    stderr: child.stderr,
    done: ended(child, pid),
    stop(graceMs) {
      if (stopping) return;
      stopping = true;
      signalGroup(pid, 'SIGTERM');
      setTimeout(() => signalGroup(pid, 'SIGKILL'), graceMs).unref();
    },
  };
}

/** Wraps the command: SIGKILL when the parent dies, no core files, and the limits asked for. */
function confined(command: readonly string[], limits: ProcessLimits): string[] {
  const setpriv = findProgram('setpriv');
  const prlimit = findProgram('prlimit');
  const wrapped = setpriv === null ? [] : [setpriv, '--pdeathsig', 'KILL', '--'];
  if (prlimit !== null) {
    wrapped.push(prlimit, '--core=0');
    if (limits.addressSpaceBytes !== undefined) wrapped.push(`--as=${limits.addressSpaceBytes}`);
    if (limits.fileSizeBytes !== undefined) wrapped.push(`--fsize=${limits.fileSizeBytes}`);
    wrapped.push('--');
  } else if (limits.addressSpaceBytes !== undefined || limits.fileSizeBytes !== undefined) {
    throw new Error('prlimit (util-linux) is needed for memory and file size limits and is not on the PATH');
  }
  return [...wrapped, ...command];
}

export function findProgram(name: string, searchPath = process.env['PATH'] ?? ''): string | null {
  for (const folder of searchPath.split(delimiter)) {
    if (folder === '') continue;
    const candidate = join(folder, name);
    if (isExecutable(candidate)) return candidate;
  }
  return null;
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // accessSync has no other way to say no
  }
}

type Child = ChildProcessByStdio<null, Readable, Readable>;

const started = (child: Child): Promise<void> =>
  new Promise((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });

async function ended(child: Child, pid: number): Promise<ProcessEnd> {
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const end = await new Promise<ProcessEnd>((resolve) => {
    child.once('exit', (exitCode, exitSignal) => resolve({ exitCode, exitSignal }));
  });
  await clearStragglers(pid);
  // A straggler that left the group may still hold the pipes open.
  const drained = await Promise.race([closed.then(() => true), sleep(PIPE_DRAIN_MS, false, { ref: false })]);
  if (!drained) {
    child.stdout.destroy();
    child.stderr.destroy();
  }
  return end;
}

async function clearStragglers(pid: number): Promise<void> {
  const deadline = Date.now() + STRAGGLER_GRACE_MS;
  while (groupIsAlive(pid)) {
    if (Date.now() > deadline) signalGroup(pid, 'SIGKILL');
    await sleep(20);
  }
}

/** A group of zombies is not alive, even where nobody collects them (a container without a proper init). */
export function groupIsAlive(pid: number): boolean {
  return signalGroup(pid, 0) && membersOf(pid).some((member) => !member.isZombie);
}

/** False when no such group exists. */
export function signalGroup(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-pid, signal);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === 'ESRCH') return false;
    throw error;
  }
}
