/**
 * One worker process: decisions on `pipeline`, file work on `host-<name>`, science on `host-<name>-science` with as many
 * slots as the host has, and on one host the `catalog` queue. Drains on request: running steps get the grace time, then
 * they are cancelled and end their subprocesses.
 */
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { DefaultLogger, Runtime, Worker, type WorkerOptions } from '@temporalio/worker';
import { createCanaryActivities } from '../../activities/canary.ts';
import { createCanaryCatalogActivities } from '../../activities/canary-catalog.ts';
import { createCandidateActivities } from '../../activities/candidates.ts';
import { createCatalogActivities } from '../../activities/catalog.ts';
import {
  type HostDependencies,
  createHostFileActivities,
  createHostScienceActivities,
  createProbeActivities,
} from '../../activities/index.ts';
import { createLedgerActivities } from '../../activities/ledger.ts';
import { createMosaicCatalogActivities } from '../../activities/mosaic-catalog.ts';
import { createMosaicActivities } from '../../activities/mosaic.ts';
import { createMosaicProbeActivities } from '../../activities/tell-mosaic.ts';
import { createVariabilityActivities } from '../../activities/variability.ts';
import { applySettings } from '../catalog/apply-settings.ts';
import { openForReading, openForWriting } from '../catalog/database.ts';
import { settleVariability } from '../catalog/settle-variability.ts';
import type { Settings } from '../config/settings.ts';
import { TASK_QUEUES, hostQueue, hostScienceQueue } from '../domain/observation-group.ts';
import { HostLedger } from '../runner/host-ledger.ts';
import { endLeftovers } from '../runner/leftovers.ts';
import { findSciencePython } from '../runner/science-environment.ts';
import type { Logger } from '../telemetry/log.ts';
import { connectClient } from './connection.ts';
import { startLeftoverRetention } from './leftover-retention.ts';
import { answerSqlRequests } from './sql-requests.ts';
import { startStaleReruns } from './stale-reruns.ts';
import { workflowBundle } from './workflow-bundle.ts';
import { connectWorker } from './worker-connection.ts';

export interface RunningWorker {
  /** Resolves when all queues are drained; rejects when one fails. */
  finished: Promise<void>;
  /** Asks for the drain; safe to call twice. */
  shutdown(): void;
}

/** After the grace time, cancelled steps get this long to end their process groups. */
const FORCE_AFTER_GRACE_MS = 20_000;
/** Of the host's memory, what steps may claim together; the rest is for the system and the files it caches. */
const MEMORY_SHARE = 0.9;
/** File work waits for disks, not for cores. */
const FILE_SLOTS = 16;
const CATALOG_COMMANDS = 8;

export async function startWorker(options: { settings: Settings; log: Logger; catalog: boolean }): Promise<RunningWorker> {
  const { settings, log } = options;
  const dependencies: HostDependencies = {
    settings,
    hostName: settings.worker.hostName,
    log,
    python: findSciencePython(settings.paths.python),
    openCatalog: () => openForReading(settings.paths.database),
  };
  const ledger = new HostLedger({ folders: settings.paths, memoryBytes: MEMORY_SHARE * totalmem() });
  for (const folder of await endLeftovers(settings.paths.scratch))
    log.warn({ folder }, 'ended the subprocesses of a worker that was killed');

  const catalog = options.catalog ? openForWriting(settings.paths.database, { role: 'catalog' }) : null;
  if (catalog !== null) {
    const imported = applySettings(catalog.database, settings, new Date().toISOString());
    if (imported !== null) log.info(imported, 'monitored sources are in the catalogue');
    const sources = settleVariability(catalog.database, { preset: settings.variability.candidates, at: new Date().toISOString() });
    if (sources > 0) log.info({ sources }, 'flux scales and variability were made again from the points');
  }
  installRuntime(settings, log);
  const connection = await connectWorker(settings);
  const client = await connectClient(settings);
  const shared = {
    connection,
    namespace: settings.temporal.namespace,
    stickyQueueScheduleToStartTimeout: '2 seconds',
    shutdownGraceTime: settings.worker.graceS * 1000,
    shutdownForceTime: settings.worker.graceS * 1000 + FORCE_AFTER_GRACE_MS,
  } as const satisfies Partial<WorkerOptions>;
  const workers = [
    await Worker.create({
      ...shared,
      taskQueue: TASK_QUEUES.pipeline,
      workflowBundle: await workflowBundle(join(settings.paths.state, 'cache'), log),
      activities: { ...createProbeActivities(dependencies, client), ...createMosaicProbeActivities(settings, client) },
      maxCachedWorkflows: 500,
    }),
    await Worker.create({
      ...shared,
      taskQueue: hostQueue(dependencies.hostName),
      activities: createHostFileActivities(dependencies, ledger),
      maxConcurrentActivityTaskExecutions: FILE_SLOTS,
    }),
    await Worker.create({
      ...shared,
      taskQueue: hostScienceQueue(dependencies.hostName),
      activities: {
        ...createHostScienceActivities(dependencies, ledger),
        ...createCanaryActivities(dependencies, ledger),
        ...createMosaicActivities(dependencies, ledger),
      },
      maxConcurrentActivityTaskExecutions: settings.worker.slots,
      // One poller a slot: a task polled ahead would wait here while another host is idle.
      maxConcurrentActivityTaskPolls: 1,
    }),
  ];
  if (catalog !== null) {
    workers.push(
      await Worker.create({
        ...shared,
        taskQueue: TASK_QUEUES.catalog,
        activities: {
          ...createCatalogActivities({
            database: catalog.database,
            log,
            calibration: settings.calibration,
            esePreset: settings.variability.candidates,
          }),
          ...createCanaryCatalogActivities({ database: catalog.database, log, settings }),
          ...createCandidateActivities({ database: catalog.database, log }),
          ...createLedgerActivities({ database: catalog.database, log, settings }),
          ...createMosaicCatalogActivities({ database: catalog.database, log, settings }),
          ...createVariabilityActivities({ database: catalog.database, log, esePreset: settings.variability.candidates }),
        },
        // Each command is one synchronous transaction, so they never mix, and order within a group is kept by its workflow;
        // several in hand keep the writer at work while Temporal hands over the next ones.
        maxConcurrentActivityTaskExecutions: CATALOG_COMMANDS,
        maxConcurrentActivityTaskPolls: 2,
      }),
    );
  }
  const shutdown = (): void => {
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  const stopAnswering = catalog === null ? null : answerSqlRequests({ database: catalog.database, client, log });
  const stopReruns = catalog === null ? null : startStaleReruns({ database: catalog.database, client, settings, log });
  const stopRetention = startLeftoverRetention({ client, settings, log });
  const close = async (): Promise<void> => {
    await stopRetention();
    await stopAnswering?.();
    await stopReruns?.();
    catalog?.close();
    await client.connection.close();
    await connection.close();
  };
  return { finished: runAll(workers, shutdown).finally(close), shutdown };
}

/** One queue that fails takes the others down in order, so that the supervisor starts all of them afresh. */
async function runAll(workers: readonly Worker[], shutdown: () => void): Promise<void> {
  const runs = workers.map((worker) =>
    worker.run().catch((error: unknown) => {
      shutdown();
      throw error;
    }),
  );
  const settled = await Promise.allSettled(runs);
  const failures = settled.flatMap((run) => (run.status === 'rejected' ? [run.reason] : []));
  if (failures.length > 0) throw new AggregateError(failures, 'a task queue of the worker failed');
}

function installRuntime(settings: Settings, log: Logger): void {
  const levels = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;
  Runtime.install({
    // Signals are handled by the command, which knows the order of shutting down.
    shutdownSignals: [],
    // Below a warning the SDK tells of its own pollers: nothing an operator asked for.
    logger: new DefaultLogger('WARN', ({ level, message, meta }) => {
      // Three of our four queues carry activities only; the SDK calls that a warning.
      const isExpected = message.startsWith('No workflows registered');
      log[isExpected ? 'debug' : levels[level]]({ ...meta }, message);
    }),
    telemetryOptions: {
      logging: { filter: { core: 'WARN', other: 'WARN' }, forward: {} },
      ...(settings.worker.metricsPort !== undefined && {
        metrics: { prometheus: { bindAddress: `127.0.0.1:${settings.worker.metricsPort}` } },
      }),
    },
  });
}
