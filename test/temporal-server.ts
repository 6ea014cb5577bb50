/**
 * Jest's globalSetup of the project `server`: one real Temporal server in memory for all its tests, on free ports. Tests
 * find it through `TEST_TEMPORAL_ADDRESS`, `TEST_TEMPORAL_NAMESPACE` and `TEST_TEMPORAL_CLI` and use task queues and workflow ids of their own.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { findTemporalCli } from '../src/temporal/cli-binary.ts';
import { type DevServer, startDevServer } from '../src/temporal/dev-server.ts';
import { freePort } from '../src/temporal/free-port.ts';
import { setUpTemporal } from '../src/temporal/setup.ts';

export const TEST_NAMESPACE = 'contimg-test';

declare global {
  var contimgTestServer: { server: DevServer; folder: string } | undefined;
}

export default async function startTestServer(): Promise<void> {
  const binary = await findTemporalCli();
  const folder = mkdtempSync(join(tmpdir(), 'contimg-temporal-'));
  const server = await startDevServer({
    binary,
    databaseFile: null,
    namespace: TEST_NAMESPACE,
    ip: '127.0.0.1',
    port: await freePort(),
    uiPort: null,
    logFile: join(folder, 'temporal.log'),
  });
  const connection = await Connection.connect({ address: server.address });
  await setUpTemporal(connection, { namespace: TEST_NAMESPACE, retentionDays: 1 });
  await connection.close();
  globalThis.contimgTestServer = { server, folder };
  process.env['TEST_TEMPORAL_ADDRESS'] = server.address;
  process.env['TEST_TEMPORAL_NAMESPACE'] = TEST_NAMESPACE;
  process.env['TEST_TEMPORAL_CLI'] = binary;
}
