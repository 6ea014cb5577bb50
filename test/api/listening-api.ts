/** A real API on a free port of loopback over a real product database, for tests: fetch it, write to it, close it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildApiServer, type ApiServer } from '../../src/api/api-server.ts';
import type { GroupOperations } from '../../src/api/group-operations.ts';
import { type OperatorToken, openOperatorToken } from '../../src/api/operator-token.ts';
import { temporalOperations } from '../../src/api/temporal-operations.ts';
import { type CatalogDatabase, openForReading, openForWriting } from '../../src/catalog/database.ts';
import { setStorageLocations } from '../../src/catalog/storage-locations.ts';
import { loadSettings } from '../../src/config/load.ts';
import type { Settings } from '../../src/config/settings.ts';
import { createLogger } from '../../src/telemetry/log.ts';
import { readFileSync } from 'node:fs';

const DASHBOARD = fileURLToPath(new URL('../../dashboard/dist', import.meta.url));
/** Port 9 (discard) is not served on loopback: Temporal is down in these tests. */
const NOBODY_LISTENS = '127.0.0.1:9';

export interface ListeningApi {
  url: string;
  app: ApiServer;
  /** The catalog's own writing connection. */
  database: CatalogDatabase;
  settings: Settings;
  token: OperatorToken;
  secret: string;
  /** Moves the server's clock. */
  clock: { nowMs: number };
  folder: string;
  get(path: string, headers?: Record<string, string>): Promise<Response>;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>;
  close(): Promise<void>;
}

export async function listen(
  options: {
    flags?: Record<string, unknown>;
    before?: (app: ApiServer) => void;
    operations?: (settings: Settings) => GroupOperations;
  } = {},
): Promise<ListeningApi> {
  const folder = mkdtempSync(join(tmpdir(), 'contimg-api-'));
  const flags = {
    'paths.state': join(folder, 'state'),
    'paths.output': join(folder, 'products'),
    'api.anonymousRead': 'loopback',
    'temporal.address': NOBODY_LISTENS,
    'log.level': 'fatal',
    ...options.flags,
  };
  const { settings } = loadSettings({ flags: Object.entries(flags).map(([key, value]) => ({ key, value, name: key })) });
  const writing = openForWriting(settings.paths.database, { role: 'catalog' });
  setStorageLocations(writing.database, { output: settings.paths.output });
  const reading = openForReading(settings.paths.database);
  const token = openOperatorToken(settings.paths.state);
  const clock = { nowMs: Date.now() };
  const operations = temporalOperations(settings);
  const app = await buildApiServer({
    settings,
    database: reading,
    operations: options.operations?.(settings) ?? operations,
    operatorToken: token,
    dashboardFolder: DASHBOARD,
    version: '0.0.0',
    log: createLogger({ level: settings.log.level, name: 'api test' }),
    now: () => clock.nowMs,
  });
  options.before?.(app);
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  const call = (method: string, path: string, headers: Record<string, string>, body?: string) =>
    fetch(`${url}${path}`, { method, headers, ...(body === undefined ? {} : { body }) });
  return {
    url,
    app,
    database: writing.database,
    settings,
    token,
    secret: readFileSync(token.path, 'utf8').trim(),
    clock,
    folder,
    get: (path, headers = {}) => call('GET', path, headers),
    post: (path, body, headers = {}) => call('POST', path, { 'content-type': 'application/json', ...headers }, JSON.stringify(body)),
    close: async () => {
      await app.close();
      await operations.close();
      reading.close();
      writing.close();
      rmSync(folder, { recursive: true });
    },
  };
}
