/**
 * Runs the API on its port: opens the product database read-only, makes the operator token at the first start, listens.
 * Used by `contimg api` and by `contimg up`. Promises that after close() nothing of it is left open.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { FastifyBaseLogger } from 'fastify';
import { z } from 'zod';
import { openForReading } from '../catalog/database.ts';
import type { Settings } from '../config/settings.ts';
import { buildApiServer } from './api-server.ts';
import { openOperatorToken } from './operator-token.ts';
import { temporalOperations } from './temporal-operations.ts';

const DASHBOARD_FOLDER = fileURLToPath(new URL('../../dashboard/dist', import.meta.url));
const PACKAGE_FILE = new URL('../../package.json', import.meta.url);

export interface RunningApi {
  /** Where it listens, `http://127.0.0.1:8000`. */
  url: string;
  close(): Promise<void>;
}

export async function startApi({ settings, log }: { settings: Settings; log: FastifyBaseLogger }): Promise<RunningApi> {
  const operatorToken = openOperatorToken(settings.paths.state);
  const { version } = z.object({ version: z.string() }).parse(JSON.parse(readFileSync(PACKAGE_FILE, 'utf8')));
  const database = openForReading(settings.paths.database);
  const operations = temporalOperations(settings);
  const app = await buildApiServer({
    settings,
    database,
    operations,
    operatorToken,
    version,
    log,
    dashboardFolder: DASHBOARD_FOLDER,
    now: Date.now,
  });
  app.addHook('onClose', async () => {
    await operations.close();
    database.close();
  });
  try {
    const url = await app.listen({ host: settings.api.host, port: settings.api.port });
    log.info(
      { url, operatorToken: operatorToken.path, created: operatorToken.created },
      'the API listens; operators sign in with the token in that file',
    );
    return { url, close: () => app.close() };
  } catch (error) {
    await app.close();
    throw error;
  }
}
