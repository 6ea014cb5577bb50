/**
 * `make demo`: simulates two days of one declination strip, feeds the files to the real pipeline as the correlator would, and
 * compares what comes out with what was put in. Everything is below `.demo/`, which is made afresh. Stays up until Ctrl-C;
 * with DEMO_EXIT=1 it ends by itself, with exit code 0 only if all that was injected came back.
 */
import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DemoApi } from './demo-api.ts';
import { type DemoPorts, demoConfiguration, demoPorts, SIMULATION_FLAGS } from './demo-settings.ts';
import { printReport } from './report.ts';
import { accountFor } from './outcomes.ts';
import { readTruth, type Truth } from './truth.ts';

const root = resolve(import.meta.dirname, '..', '..');
const folder = join(root, '.demo');
const config = join(folder, 'contimg.json');
const contimg = join(root, 'ops', 'bin', 'contimg');
/** A machine that needs longer than this for eight small groups has a problem worth reading about in the log. */
const LIMIT_MS = 15 * 60_000;
/** Two questions a look: well below what the API answers an anonymous reader a minute. */
const LOOK_EVERY_MS = 2_000;

interface Child {
  name: string;
  log: string;
  pid: number;
  ended: Promise<number | null>;
  exitCode: () => number | null;
  stop: () => void;
}

function start(name: string, args: string[]): Child {
  const log = join(folder, `${name}.log`);
  const output = openSync(log, 'a');
  const child = spawn(contimg, args, { cwd: folder, stdio: ['ignore', output, output] });
  closeSync(output);
  const ended = new Promise<number | null>((done, failed) => {
    child.once('error', failed);
    child.once('exit', done);
  });
  return { name, log, pid: child.pid ?? 0, ended, exitCode: () => child.exitCode, stop: () => child.kill('SIGTERM') };
}

function assertRunning(child: Child): void {
  const code = child.exitCode();
  if (code !== null && code !== 0) throw new Error(`${child.name} ended with exit code ${code}; its log is ${child.log}`);
}

async function until<Found>(what: string, children: Child[], look: () => Promise<Found | null> | Found | null): Promise<Found> {
  const deadline = Date.now() + LIMIT_MS;
  for (;;) {
    for (const child of children) assertRunning(child);
    const found = await look();
    if (found !== null) return found;
    if (Date.now() > deadline) throw new Error(`${what} took longer than ${LIMIT_MS / 60_000} minutes; logs are in ${folder}`);
    await sleep(LOOK_EVERY_MS);
  }
}

async function run(children: Child[], ports: DemoPorts): Promise<boolean> {
  const startedAt = Date.now();
  const simulator = start('simulate', ['simulate', '--config', config, ...SIMULATION_FLAGS]);
  children.push(simulator);
  await until('the list of simulated sources', [simulator], () => (existsSync(join(folder, 'truth', 'catalogue.csv')) ? true : null));
  const pipeline = start('up', ['up', '--config', config]);
  children.push(pipeline);
  const api = new DemoApi(`http://127.0.0.1:${ports.api}`);
  await until('the pipeline', children, () => api.isServing());
  console.log(`the pipeline runs after ${seconds(startedAt)} s; dashboard ${api.base}/`);

  const truth = await until('the night', children, async () => {
    const night: Truth | null = readTruth(folder);
    await printProgress(api, startedAt);
    if (night === null || !night.finished) return null;
    const groups = await api.groups();
    return accountFor(night, groups).every((group) => group.settled) ? night : null;
  });
  process.stdout.write('\n');
  return printReport({ truth, api, folder, ports, elapsedS: seconds(startedAt) });
}

const seconds = (since: number): number => Math.round((Date.now() - since) / 1000);

let lastLine = '';
async function printProgress(api: DemoApi, startedAt: number): Promise<void> {
  const status = await api.status();
  if (status === null) return;
  const states = Object.entries(status.queue)
    .filter(([, count]) => count > 0)
    .map(([state, count]) => `${state} ${count}`)
    .join(', ');
  const line = states === '' ? 'no group yet' : states;
  if (process.stdout.isTTY) process.stdout.write(`\r\x1b[K${seconds(startedAt)} s  ${line}`);
  else if (line !== lastLine) console.log(`${String(seconds(startedAt)).padStart(4)} s  ${line}`);
  lastLine = line;
}

rmSync(folder, { recursive: true, force: true });
for (const name of ['incoming', 'products', 'state']) mkdirSync(join(folder, name), { recursive: true });
const ports = await demoPorts();
writeFileSync(config, `${JSON.stringify(demoConfiguration(folder, ports), null, 2)}\n`);

const children: Child[] = [];
let interrupted = false;
const stopAll = async (): Promise<void> => {
  for (const child of children.toReversed()) if (child.exitCode() === null) child.stop();
  await Promise.all(children.map((child) => child.ended));
};
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    interrupted = true;
    console.log('\nstopping');
    void stopAll().then(() => process.exit(process.exitCode ?? 0));
  });
}

try {
  const passed = await run(children, ports);
  process.exitCode = passed ? 0 : 1;
  if (process.env['DEMO_EXIT'] === '1') await stopAll();
  else {
    console.log('\nstays up; Ctrl-C ends it');
    await Promise.all(children.map((child) => child.ended));
  }
} catch (error) {
  if (!interrupted) {
    console.error(`\ndemo: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
    await stopAll();
  }
}
