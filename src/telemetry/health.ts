/**
 * The health endpoint: `/health` (200 ok or degraded, 503 unhealthy, worst check first), `/ready` (200 only if a group
 * could be taken now) and `/metrics`. Reads the product database read-only; every answer is measured when it is asked for.
 */
import { createServer, type Server, type ServerResponse } from 'node:http';
import { openForReading } from '../catalog/database.ts';
import type { Settings } from '../config/settings.ts';
import { snakeCased } from '../domain/spelling.ts';
import { connectClient } from '../temporal/connection.ts';
import type { Logger } from './log.ts';
import { createMetrics } from './metrics.ts';
import type { Sample } from './monitor.ts';
import { type PipelineReading, diskPaths, readPipeline } from './reading.ts';

export interface HealthServer {
  close(): Promise<void>;
}

/** A part of the process tree, as the supervisor sees it. */
export interface PartView {
  name: string;
  pid(): number | null;
  restarts(): number;
}

interface Check {
  name: string;
  status: 'ok' | 'degraded' | 'unhealthy';
  fact: string;
  remedy: string | null;
}

const TEMPORAL_PROBE_MS = 3_000;

export async function startHealthServer(order: {
  settings: Settings;
  log: Logger;
  parts: readonly PartView[];
  latestSample: () => Sample | null;
}): Promise<HealthServer> {
  const { settings, log, parts, latestSample } = order;
  const metrics = createMetrics(settings, parts, latestSample);
  const server = createServer((request, response) => {
    const path = (request.url ?? '/').split('?')[0];
    answer(path).then(
      (reply) => send(response, reply),
      (error: unknown) => {
        log.error({ err: error, path }, 'the health endpoint failed');
        send(response, { status: 503, type: 'application/json', body: JSON.stringify({ status: 'unhealthy', checks: [] }) });
      },
    );
  });

  async function answer(path: string | undefined): Promise<Reply> {
    switch (path) {
      case '/health':
      case '/ready': {
        const { checks, reading } = await inspect(settings, parts);
        const worst = checks[0]?.status ?? 'ok';
        const ready = checks.every(({ status }) => status === 'ok' || status === 'degraded') && hasRoom(reading, settings);
        const body =
          path === '/ready'
            ? { ready, checks }
            : { status: worst, checks, ...reading, sample: latestSample(), uptimeSeconds: process.uptime() };
        return json((path === '/ready' ? ready : worst !== 'unhealthy') ? 200 : 503, body);
      }
      case '/metrics':
        return { status: 200, type: metrics.contentType, body: await metrics.text() };
      default:
        return json(404, { detail: 'there are /health, /ready and /metrics' });
    }
  }

  await listening(server, settings.health);
  return {
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error === undefined ? resolve() : reject(error)));
        server.closeAllConnections();
      }),
  };
}

interface Reply {
  status: number;
  type: string;
  body: string;
}
const json = (status: number, body: object): Reply => ({ status, type: 'application/json', body: JSON.stringify(snakeCased(body)) });

function send(response: ServerResponse, { status, type, body }: Reply): void {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(body);
}

const listening = (server: Server, { host, port }: { host: string; port: number }): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });

const hasRoom = (reading: PipelineReading | null, settings: Settings): boolean =>
  (reading?.diskFreeGb[settings.paths.output] ?? 0) >= settings.disk.pauseGb;

const SEVERITY = { unhealthy: 0, degraded: 1, ok: 2 } as const;

async function inspect(settings: Settings, parts: readonly PartView[]): Promise<{ checks: Check[]; reading: PipelineReading | null }> {
  const checks: Check[] = parts.map((part) =>
    part.pid() === null
      ? { name: part.name, status: 'unhealthy', fact: 'not running', remedy: 'it is started again by itself; read state/logs' }
      : { name: part.name, status: 'ok', fact: `process ${part.pid()}, restarted ${part.restarts()} times`, remedy: null },
  );
  checks.push(await temporalCheck(settings));
  const { reading, check } = databaseCheck(settings);
  checks.push(check);
  for (const [path, freeGb] of Object.entries(reading?.diskFreeGb ?? {})) checks.push(diskCheck(settings, path, freeGb));
  return { checks: checks.sort((a, b) => SEVERITY[a.status] - SEVERITY[b.status]), reading };
}

async function temporalCheck(settings: Settings): Promise<Check> {
  const name = 'temporal';
  try {
    const client = await connectClient(settings);
    try {
      await client.withDeadline(Date.now() + TEMPORAL_PROBE_MS, () => client.connection.workflowService.getSystemInfo({}));
    } finally {
      await client.connection.close();
    }
    return { name, status: 'ok', fact: 'answers', remedy: null };
  } catch (error) {
    const fact = error instanceof Error ? error.message : String(error);
    return { name, status: 'unhealthy', fact, remedy: 'groups wait; see state/logs/temporal.log' };
  }
}

function databaseCheck(settings: Settings): { reading: PipelineReading | null; check: Check } {
  try {
    const database = openForReading(settings.paths.database);
    try {
      return {
        reading: readPipeline(database, settings),
        check: { name: 'database', status: 'ok', fact: settings.paths.database, remedy: null },
      };
    } finally {
      database.close();
    }
  } catch (error) {
    const fact = error instanceof Error ? error.message : String(error);
    return { reading: null, check: { name: 'database', status: 'unhealthy', fact, remedy: 'run `contimg doctor`' } };
  }
}

function diskCheck(settings: Settings, path: string, freeGb: number): Check {
  const fact = `${freeGb.toFixed(1)} GB free on ${path}`;
  const isOutput = path === diskPaths(settings).output;
  if (isOutput && freeGb < settings.disk.pauseGb) {
    return { name: 'disk', status: 'unhealthy', fact, remedy: `new groups wait until ${settings.disk.resumeGb} GB are free` };
  }
  if (isOutput && freeGb < settings.disk.warnGb) return { name: 'disk', status: 'degraded', fact, remedy: 'free space soon' };
  return { name: 'disk', status: 'ok', fact, remedy: null };
}
