/** The health endpoint over a real database file and real requests. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { z } from 'zod';
import { openForWriting } from '../../src/catalog/database.ts';
import { loadSettings } from '../../src/config/load.ts';
import { startHealthServer } from '../../src/telemetry/health.ts';
import { freePort } from '../../src/temporal/free-port.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'contimg-health-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

async function serve(pid: number | null) {
  const env = {
    CONTIMG_STATE_DIR: folder,
    CONTIMG_OUTPUT_DIR: folder,
    CONTIMG_HEALTH__PORT: String(await freePort()),
    CONTIMG_TEMPORAL__PORT: String(await freePort()),
  };
  const { settings } = loadSettings({ env });
  const parts = [{ name: 'worker', pid: () => pid, restarts: () => 2 }];
  const server = await startHealthServer({ settings, log: pino({ level: 'silent' }), parts, latestSample: () => null });
  return { settings, server, url: `http://127.0.0.1:${settings.health.port}` };
}

test('metrics keep the names and words of the earlier pipeline, for every state', async () => {
  const { settings, server, url } = await serve(process.pid);
  openForWriting(settings.paths.database, { role: 'catalog' }).close();
  const text = await (await fetch(`${url}/metrics`)).text();
  for (const state of ['collecting', 'pending', 'in_progress', 'completed', 'failed']) {
    expect(text).toContain(`dsa110_streaming_queue{state="${state}"} 0`);
  }
  expect(text).toMatch(new RegExp(`dsa110_streaming_disk_free_gb{path="${folder}"} \\d`));
  expect(text).toContain('contimg_part_restarts{part="worker"} 2');
  await server.close();
});

test('without Temporal, database and worker it is unhealthy, says each with a remedy, and is not ready', async () => {
  const { server, url } = await serve(null);
  const health = await fetch(`${url}/health`);
  const body = z
    .object({ status: z.string(), checks: z.array(z.object({ name: z.string(), status: z.string(), remedy: z.string().nullable() })) })
    .parse(await health.json());
  expect(health.status).toBe(503);
  expect(body.status).toBe('unhealthy');
  const unhealthy = body.checks.filter((check) => check.status === 'unhealthy');
  expect(unhealthy.map((check) => check.name).sort()).toEqual(['database', 'temporal', 'worker']);
  expect(unhealthy.every((check) => check.remedy !== null)).toBe(true);
  expect((await fetch(`${url}/ready`)).status).toBe(503);
  expect((await fetch(`${url}/metrics`)).status).toBe(200);
  await server.close();
}, 20_000);
