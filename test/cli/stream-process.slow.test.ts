/** `dsa110-stream` as an operator meets it: one process tree on folders and ports of its own, with quick-science.ts as science. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort } from '../../src/temporal/free-port.ts';
import { Correlator } from '../chaos/correlator.ts';
import { planNight } from '../chaos/night-plan.ts';
import { processesNaming } from '../chaos/process-tree.ts';
import { quickInterpreter } from '../workflows/host-files.ts';

const STREAM = resolve(import.meta.dirname, '..', '..', 'ops', 'bin', 'dsa110-stream');
let folder: string;
let options: string[];
let healthPort: number;
let uiPort: number;
let started: ChildProcess[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'contimg-stream-'));
  for (const name of ['incoming', 'memory']) mkdirSync(join(folder, name));
  [healthPort, uiPort] = [await freePort(), await freePort()];
  started = [];
  writeFileSync(
    join(folder, 'contimg.json'),
    JSON.stringify({
      paths: { python: quickInterpreter(folder), tmpfs: join(folder, 'memory') },
      watch: { settle_s: 0.2, rescan_s: 1 },
      attempt: { heartbeat_s: 5 },
      disk: { pause_gb: 0, resume_gb: 0 },
      worker: { grace_s: 60, slots: 1, omp_threads: 1 },
    }),
  );
  const given = {
    config: join(folder, 'contimg.json'),
    'input-dir': join(folder, 'incoming'),
    'output-dir': join(folder, 'products'),
    'scratch-dir': join(folder, 'fast'),
    'state-dir': join(folder, 'state'),
    'queue-db': join(folder, 'state', 'db', 'streaming_queue.sqlite3'),
    'checkpoint-dir': join(folder, 'checkpoints'),
    'health-port': String(healthPort),
    'temporal-port': String(await freePort()),
    'ui-port': String(uiPort),
    'monitor-interval': '1',
    'host-name': 'stream-test',
  };
  options = [...Object.entries(given).flatMap(([name, value]) => [`--${name}`, value]), '--profile'];
});
afterEach(async () => {
  for (const child of started) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  while (processesNaming(folder).length > 0) await sleep(100);
  rmSync(folder, { recursive: true });
});

interface Stream {
  child: ChildProcess;
  printed: { text: string };
  ended: Promise<number | null>;
}

function start(more: readonly string[] = []): Stream {
  const child = spawn(STREAM, [...options, ...more], { stdio: ['ignore', 'pipe', 'pipe'] });
  started.push(child);
  const printed = { text: '' };
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (printed.text += chunk.toString()));
  const ended = new Promise<number | null>((done) => child.once('exit', (code) => done(code)));
  return { child, printed, ended };
}

async function until(what: string, look: () => boolean | Promise<boolean>): Promise<void> {
  // Far above what a step takes, also on a busy machine.
  const deadline = Date.now() + 60_000;
  while (!(await look())) {
    if (Date.now() > deadline) throw new Error(`not within a minute: ${what}`);
    await sleep(100);
  }
}

const partsRunning = (): string[] =>
  processesNaming(folder).flatMap(({ command }) => /main\.ts (watch|worker)|(start-dev)/.exec(command)?.slice(1).find(Boolean) ?? []);

/** A calibrator transit whose conversion goes on until it is let go. */
async function heldGroup(): Promise<void> {
  const [plan] = planNight({ groups: 1, seed: 1 });
  if (plan === undefined) throw new Error('a night has a group');
  writeFileSync(join(folder, 'hold-concat'), '');
  await new Correlator({ input: join(folder, 'incoming'), desk: join(folder, 'desk'), deadlineS: 60, seed: 1 }).deliver(plan);
  await until('the conversion runs', () => existsSync(join(folder, 'calls.jsonl')));
}

test('it says what it uses, answers on its ports, refuses a second instance, and drains when it is told to stop', async () => {
  const stream = start();
  await until('it runs', () => stream.printed.text.includes('running; Ctrl-C stops in order'));
  const { text } = stream.printed;
  for (const path of ['incoming', 'products', 'fast', 'state', 'state/db/streaming_queue.sqlite3'])
    expect(text).toContain(join(folder, path));
  expect(text).toContain('warning: --checkpoint-dir is superseded by Temporal history');
  const { stdout: found } = await promisify(execFile)('pgrep', ['-af', 'dsa110-stream']);
  expect(found.split('\n')).toContain(`${stream.child.pid} dsa110-stream`);

  const second = start(['--health-port', String(await freePort())]);
  expect(await second.ended).toBe(14);
  expect(second.printed.text).toContain(`process ${stream.child.pid}`);

  const health = `http://127.0.0.1:${healthPort}`;
  await until('two samples are taken', async () =>
    /contimg_part_cpu_percent\{part="worker"\}/.test(await (await fetch(`${health}/metrics`)).text()),
  );
  expect(await (await fetch(`${health}/health`)).json()).toMatchObject({ sample: { queue: { pending: 0 } } });

  expect((await fetch(`http://127.0.0.1:${uiPort}/`)).status).toBe(200);

  await heldGroup();
  stream.child.kill('SIGTERM');
  await until('the watcher is gone', () => !partsRunning().includes('watch'));
  expect(partsRunning().sort()).toEqual(['start-dev', 'worker']);
  rmSync(join(folder, 'hold-concat'));
  expect(await stream.ended).toBe(0);
  expect(partsRunning()).toEqual([]);

  const log = readFileSync(join(folder, 'state', 'logs', 'streaming-pipeline.log'), 'utf8');
  expect(log).toContain('the worker is drained');
  expect(log).toMatch(/"host":"stream-test","slots":1,"threads":1,"msg":"the worker runs"/);
  // The step that ran was let finish, under the name of this host, with its trace kept.
  expect(readdirSync(join(folder, 'state', 'profiles'), { recursive: true, encoding: 'utf8' })).toContainEqual(
    expect.stringMatching(/concat-1\.csv$/),
  );
  expect(existsSync(join(folder, 'checkpoints'))).toBe(false);
}, 150_000);

test('a second Ctrl-C ends it at once, with the running step; --no-monitoring serves no health', async () => {
  const stream = start(['--no-monitoring']);
  await until('it runs', () => stream.printed.text.includes('running; Ctrl-C stops in order'));
  await expect(fetch(`http://127.0.0.1:${healthPort}/health`)).rejects.toThrow('fetch failed');
  await heldGroup();
  const startedMs = Date.now();
  stream.child.kill('SIGINT');
  await until('it says that it stops', () => stream.printed.text.includes('press Ctrl-C again'));
  stream.child.kill('SIGINT');
  expect(await stream.ended).toBe(130);
  await until('nobody is left', () => processesNaming(folder).length === 0);
  // Far below the 60 s that the step would have been given.
  expect(Date.now() - startedMs).toBeLessThan(30_000);
}, 120_000);
