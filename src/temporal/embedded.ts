/**
 * The embedded Temporal server of one machine, kept alive: started with its database file under state/, started again
 * with growing pauses when it ends by itself, ended on request. Workers and clients reconnect by themselves.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Settings } from '../config/settings.ts';
import type { Logger } from '../telemetry/log.ts';
import { findTemporalCli } from './cli-binary.ts';
import { type DevServer, startDevServer } from './dev-server.ts';

export interface EmbeddedTemporal {
  address: string;
  uiUrl: string;
  pid(): number | null;
  stop(): Promise<void>;
}

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
/** A server that lived this long was well: the next pause is short again. */
const HEALTHY_AFTER_MS = 60_000;
const LOOPBACK = '127.0.0.1';

export async function startEmbeddedTemporal(settings: Settings, log: Logger): Promise<EmbeddedTemporal> {
  const options = {
    binary: await findTemporalCli(),
    databaseFile: join(settings.paths.state, 'temporal', 'temporal.sqlite3'),
    namespace: settings.temporal.namespace,
    ip: LOOPBACK,
    port: settings.temporal.port,
    uiPort: settings.temporal.uiPort,
    logFile: join(settings.paths.state, 'logs', 'temporal.log'),
  };
  const stopping = new AbortController();
  // The first start must succeed; from then on it is kept alive.
  let server: DevServer | null = await startDevServer(options);

  const keepAlive = async (): Promise<void> => {
    let pauseMs = FIRST_PAUSE_MS;
    while (!stopping.signal.aborted) {
      const startedAt = Date.now();
      await server?.ended;
      if (stopping.signal.aborted) return;
      if (Date.now() - startedAt > HEALTHY_AFTER_MS) pauseMs = FIRST_PAUSE_MS;
      log.error({ pauseMs, logFile: options.logFile }, 'the Temporal server ended; starting it again');
      await sleep(pauseMs);
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
      if (stopping.signal.aborted) return;
      try {
        server = await startDevServer(options);
        log.info({ pid: server.pid }, 'the Temporal server serves again');
      } catch (error) {
        server = null;
        log.error({ err: error }, 'the Temporal server did not start');
      }
    }
  };
  const kept = keepAlive();

  return {
    address: `${LOOPBACK}:${options.port}`,
    uiUrl: `http://${LOOPBACK}:${options.uiPort}`,
    pid: () => (server === null || server.hasEnded() ? null : server.pid),
    async stop() {
      stopping.abort();
      await server?.stop();
      await kept;
      // One may have been starting when the stop was asked for.
      await server?.stop();
    },
  };
}
