/** The ledger's gauge: holes of the last day, each stretch of silence counted for the groups it stands for. */
import { loadSettings } from '../../src/config/load.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { type OpenNight, openNight } from '../catalog/night.ts';
import { admit, CADENCE_MS, look } from '../catalog/observed-night.ts';

let night: OpenNight;
beforeEach(() => {
  night = openNight();
});
afterEach(() => night.close());

test('lost groups and silences of the last day are in the gauge, what is older is not', async () => {
  const nowMs = Date.now();
  // A day is 279.4 cadences: of the first silence, begins 279 to 261 ago lie in it; then one is lost, and later nine.
  for (const ago of [401, 400, 260, 259, 257, 256, 246, 245, 244, 243, 242, 241]) {
    const startMs = nowMs - ago * CADENCE_MS;
    admit(night.database, { startMs, arrivesMs: startMs, decRad: 0.952, isComplete: true }, startMs + CADENCE_MS);
  }
  look(night.database, nowMs - 240 * CADENCE_MS);
  const { settings } = loadSettings({ env: { CONTIMG_STATE_DIR: night.folder, CONTIMG_QUEUE_DB: night.path } });
  const text = await createMetrics(settings, [], () => null).text();
  expect(text).toContain('contimg_ledger_groups{outcome="missing"} 29');
}, 20_000);
