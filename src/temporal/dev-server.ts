/**
 * One process of Temporal's development server with its Web UI, on loopback. Dies with the process that started it;
 * everything it promised to keep is in its database file by then.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { findProgram } from '../runner/process-group.ts';

export interface DevServerOptions {
  binary: string;
  /** Null: everything is lost when the server ends (tests). */
  databaseFile: string | null;
  namespace: string;
  ip: string;
  port: number;
  /** Null: no Web UI. */
  uiPort: number | null;
  logFile: string;
}

export interface DevServer {
  address: string;
  pid: number;
  ended: Promise<void>;
  hasEnded(): boolean;
  /** SIGTERM, SIGKILL after ten seconds; resolves when it is gone. */
  stop(): Promise<void>;
}

const STOP_GRACE_MS = 10_000;
const START_LIMIT_MS = 60_000;
/** One partition a queue: with more, the order of lanes is only approximate. */
const DYNAMIC_CONFIG = ['matching.numTaskqueueReadPartitions=1', 'matching.numTaskqueueWritePartitions=1'];

export async function startDevServer(options: DevServerOptions): Promise<DevServer> {
  for (const file of [options.logFile, options.databaseFile]) if (file !== null) mkdirSync(dirname(file), { recursive: true });
  const log = openSync(options.logFile, 'a');
  const [program = options.binary, ...args] = [...diesWithParent(), options.binary, ...serverArguments(options)];
  // Its own process group: a terminal's Ctrl-C reaches us first, and we end it last.
  const child = spawn(program, args, { detached: true, stdio: ['ignore', log, log] });
  closeSync(log);
  const server = await handleOf(child, `${options.ip}:${options.port}`);
  try {
    await waitUntilServing(server, options.logFile);
    return server;
  } catch (error) {
    await server.stop();
    throw error;
  }
}

function serverArguments(options: DevServerOptions): string[] {
  const args = ['server', 'start-dev', '--ip', options.ip, '--port', String(options.port), '--namespace', options.namespace];
  args.push('--log-format', 'json', '--log-level', 'warn');
  if (options.uiPort === null) args.push('--headless');
  else args.push('--ui-port', String(options.uiPort), '--ui-disable-news-fetch');
  if (options.databaseFile !== null) args.push('--db-filename', options.databaseFile);
  for (const value of DYNAMIC_CONFIG) args.push('--dynamic-config-value', value);
  return args;
}

function diesWithParent(): string[] {
  const setpriv = findProgram('setpriv');
  return setpriv === null ? [] : [setpriv, '--pdeathsig', 'KILL', '--'];
}

async function handleOf(child: ChildProcess, address: string): Promise<DevServer> {
  let over = false;
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => {
      over = true;
      resolve();
    });
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  return {
    address,
    pid: child.pid ?? 0,
    ended,
    hasEnded: () => over,
    async stop() {
      if (over) return;
      child.kill('SIGTERM');
      const killing = setTimeout(() => child.kill('SIGKILL'), STOP_GRACE_MS);
      await ended;
      clearTimeout(killing);
    },
  };
}

async function waitUntilServing(server: DevServer, logFile: string): Promise<void> {
  const deadline = Date.now() + START_LIMIT_MS;
  for (;;) {
    if (server.hasEnded()) throw new Error(`the Temporal server ended while starting; its log is ${logFile}`);
    const problem = await probe(server.address);
    if (problem === null) return;
    if (Date.now() > deadline) throw new Error(`the Temporal server does not answer on ${server.address}: ${problem}`);
    await sleep(100);
  }
}

/** Null when it serves, else what was answered. */
async function probe(address: string): Promise<string | null> {
  try {
    const connection = await Connection.connect({ address, connectTimeout: '1 second' });
    await connection.close();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
