/** The embedded server on a database file: what a power cut leaves behind. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { loadSettings } from '../../src/config/load.ts';
import { SEARCH_ATTRIBUTES } from '../../src/domain/observation-group.ts';
import { connectClient, connectOperator } from '../../src/temporal/connection.ts';
import { startEmbeddedTemporal } from '../../src/temporal/embedded.ts';
import { freePort } from '../../src/temporal/free-port.ts';
import { setUpTemporal } from '../../src/temporal/setup.ts';

const RESTART_LIMIT_MS = 30_000;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'contimg-embedded-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function settingsHere() {
  const ports = { CONTIMG_TEMPORAL__PORT: String(await freePort()), CONTIMG_TEMPORAL__UI_PORT: String(await freePort()) };
  return loadSettings({ env: { CONTIMG_STATE_DIR: folder, ...ports } }).settings;
}

test('a server killed with -9 is started again and still has its workflows, namespace and search attributes', async () => {
  const settings = await settingsHere();
  const server = await startEmbeddedTemporal(settings, pino({ level: 'silent' }));
  try {
    const operator = await connectOperator(settings);
    const wanted = { namespace: settings.temporal.namespace, retentionDays: 30 };
    const first = await setUpTemporal(operator, wanted);
    expect(first.addedSearchAttributes).toEqual(Object.keys(SEARCH_ATTRIBUTES));
    const client = await connectClient(settings);
    // No worker polls: the workflow stays open, as a group does that waits.
    await client.workflow.start('waiting', { taskQueue: 'nobody', workflowId: 'kept' });

    const killed = server.pid();
    process.kill(killed ?? 0, 'SIGKILL');
    const deadline = Date.now() + RESTART_LIMIT_MS;
    while (server.pid() === null || server.pid() === killed) {
      expect(Date.now()).toBeLessThan(deadline);
      await sleep(200);
    }
    const { status } = await client.workflow.getHandle('kept').describe();
    expect(status.name).toBe('RUNNING');
    expect(await setUpTemporal(operator, wanted)).toEqual({ createdNamespace: false, addedSearchAttributes: [] });
    await client.connection.close();
    await operator.close();
  } finally {
    await server.stop();
  }
  expect(server.pid()).toBeNull();
}, 60_000);

test('nobody on the address: the error names it and says what to do', async () => {
  const settings = await settingsHere();
  await expect(connectClient(settings)).rejects.toMatchObject({
    message: `Temporal does not answer on 127.0.0.1:${settings.temporal.port}`,
    remedy: expect.stringContaining('contimg up'),
  });
}, 15_000);
