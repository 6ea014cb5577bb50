/**
 * The processes below one process, as /proc tells them, so that a test ends or measures those and no others. A process is
 * known by its id and its start: an id that was given to another process since is not it.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { systemErrorCode } from '../../src/domain/system-error.ts';

/** Linux reports CPU time in hundredths of a second to every program (sysconf(_SC_CLK_TCK) is 100). */
const CLOCK_TICKS_PER_S = 100;

export interface TreeProcess {
  pid: number;
  parentPid: number;
  startTicks: number;
  cpuS: number;
  command: string;
}

/** `root` first, then everything it started, however deep. */
export function treeBelow(root: number): TreeProcess[] {
  const all = livingProcesses();
  const tree = all.filter(({ pid }) => pid === root);
  for (const parent of tree) tree.push(...all.filter(({ parentPid }) => parentPid === parent.pid));
  return tree;
}

/** Every process whose command line names `text`: what a tree has left behind has another parent by then. */
export const processesNaming = (text: string): TreeProcess[] => livingProcesses().filter(({ command }) => command.includes(text));

/** kill -9, from the root down, so that nobody is there to start another. */
export function killTree(root: number): TreeProcess[] {
  const tree = treeBelow(root);
  for (const { pid } of tree) killNow(pid);
  return tree;
}

export function killNow(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (systemErrorCode(error) !== 'ESRCH') throw error; // it died with its parent
  }
}

export const isAlive = (one: TreeProcess): boolean => readProcess(one.pid)?.startTicks === one.startTicks;

const livingProcesses = (): TreeProcess[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => readProcess(Number(name)) ?? []);

/** Null for a process that ended, also when its parent has not asked after it yet. */
function readProcess(pid: number): TreeProcess | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // Fields after the command's closing bracket; numbers from proc(5), less the two before it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z') return null;
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
    const cpuS = (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_S;
    return { pid, parentPid: Number(fields[1]), startTicks: Number(fields[19]), cpuS, command };
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes(systemErrorCode(error) ?? '')) return null;
    throw error;
  }
}
