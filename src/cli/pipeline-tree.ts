/**
 * The process tree of `contimg up`: starts its parts in the order they need each other, keeps them alive, and ends them in
 * the order that loses nothing: watcher, worker (draining), API, Temporal. A second signal ends everything at once.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from '@temporalio/client';
import { openForWriting } from '../catalog/database.ts';
import type { Settings } from '../config/settings.ts';
import { snakeCased } from '../domain/spelling.ts';
import { REPOSITORY_ROOT } from '../runner/science-environment.ts';
import { type HealthServer, startHealthServer } from '../telemetry/health.ts';
import type { Logger } from '../telemetry/log.ts';
import { type Monitor, startMonitor } from '../telemetry/monitor.ts';
import { connectOperator, temporalAddressOf } from '../temporal/connection.ts';
import { type EmbeddedTemporal, startEmbeddedTemporal } from '../temporal/embedded.ts';
import { untilServed } from '../temporal/patient-start.ts';
import { applySchedules } from '../temporal/schedules.ts';
import { setUpTemporal } from '../temporal/setup.ts';
import { lockInstance } from './instance-lock.ts';
import type { Output } from './output.ts';
import { checkBeforeStart } from './preflight.ts';
import { type SupervisedChild, superviseChild } from './supervised-child.ts';

const OWN_SERVER_PATIENCE_MS = 120_000;
const OTHER_SERVER_PATIENCE_MS = 10_000;
const WATCHER_GRACE_MS = 10_000;
const API_GRACE_MS = 10_000;
/** Above the worker's own force time, which is its grace and 20 s. */
const WORKER_EXTRA_MS = 30_000;

export async function runPipeline(order: { settings: Settings; withApi: boolean; log: Logger; output: Output }): Promise<void> {
  const { settings, withApi, log, output } = order;
  const lock = lockInstance(settings.paths.state);
  const stopAsked = signalled();
  let temporal: EmbeddedTemporal | null = null;
  let health: HealthServer | null = null;
  let monitor: Monitor | null = null;
  const children: SupervisedChild[] = [];
  stopAsked.again(() => {
    for (const child of children) child.kill();
    process.exit(130);
  });
  try {
    await checkBeforeStart(settings, withApi);
    for (const [name, path] of Object.entries(settings.paths)) output.event('path', { name, path }, `${name.padEnd(10)} ${path}`);
    // Made and migrated before anyone reads it.
    openForWriting(settings.paths.database, { role: 'catalog' }).close();
    if (settings.temporal.address === undefined) temporal = await startEmbeddedTemporal(settings, log);
    await untilServed(temporalAddressOf(settings), () => prepareTemporal(settings), {
      // Our own server comes back by itself; whether another one does is for a person to know.
      patienceMs: temporal === null ? OTHER_SERVER_PATIENCE_MS : OWN_SERVER_PATIENCE_MS,
      log,
    });

    const start = (name: string, args: readonly string[]): SupervisedChild => {
      const child = superviseChild({
        name,
        command: [process.execPath, join(REPOSITORY_ROOT, 'src', 'cli', 'main.ts'), ...args],
        env: childEnvironment(),
        log,
      });
      children.push(child);
      return child;
    };
    const config = writeChildSettings(settings);
    const worker = start('worker', ['worker', '--catalog', '--config', config]);
    const watcher = start('watch', ['watch', '--config', config]);
    const api = withApi ? start('api', ['api', '--config', config]) : null;
    monitor = startMonitor({ settings, log, parts: children });
    if (settings.monitor.enabled) health = await startHealthServer({ settings, log, parts: children, latestSample: monitor.latest });
    announce(output, settings, temporal, withApi);

    await stopAsked.first;
    output.event('stopping', {}, 'stopping: watcher, worker (running steps may finish), API, Temporal; press Ctrl-C again to end now');
    await watcher.stop(WATCHER_GRACE_MS);
    await worker.stop(settings.worker.graceS * 1000 + WORKER_EXTRA_MS);
    await api?.stop(API_GRACE_MS);
  } finally {
    monitor?.stop();
    await Promise.all(children.map((child) => child.stop(API_GRACE_MS)));
    await health?.close();
    await temporal?.stop();
    lock.release();
  }
}

async function prepareTemporal(settings: Settings): Promise<void> {
  const connection = await connectOperator(settings);
  try {
    await setUpTemporal(connection, { namespace: settings.temporal.namespace, retentionDays: settings.temporal.retentionDays });
    await applySchedules(new Client({ connection, namespace: settings.temporal.namespace }), settings);
  } finally {
    await connection.close();
  }
}

/** Children read what was resolved here: no layer is looked up twice. */
function writeChildSettings(settings: Settings): string {
  const folder = join(settings.paths.state, 'run');
  mkdirSync(folder, { recursive: true });
  const path = join(folder, 'settings.json');
  writeFileSync(path, `${JSON.stringify(snakeCased(settings), null, 2)}\n`);
  return path;
}

function childEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('CONTIMG_') && name !== 'PIPELINE_DB');
  return Object.fromEntries(kept);
}

function announce(output: Output, settings: Settings, temporal: EmbeddedTemporal | null, withApi: boolean): void {
  const { api, health, monitor } = settings;
  if (withApi)
    output.event('address', { name: 'dashboard', url: `http://${api.host}:${api.port}` }, `dashboard  http://${api.host}:${api.port}`);
  if (temporal !== null) output.event('address', { name: 'temporal', url: temporal.uiUrl }, `Temporal   ${temporal.uiUrl}`);
  if (monitor.enabled)
    output.event(
      'address',
      { name: 'health', url: `http://${health.host}:${health.port}/health` },
      `health     http://${health.host}:${health.port}/health`,
    );
  output.event('up', {}, 'running; Ctrl-C stops in order');
}

/** SIGTERM and SIGINT: the first is answered in order, the next at once. */
function signalled(): { first: Promise<void>; again(act: () => void): void } {
  let count = 0;
  let onAgain: (() => void) | null = null;
  const first = new Promise<void>((resolve) => {
    const heard = (): void => {
      count += 1;
      if (count === 1) resolve();
      else onAgain?.();
    };
    process.on('SIGTERM', heard).on('SIGINT', heard);
  });
  return {
    first,
    again(act) {
      onAgain = act;
    },
  };
}
