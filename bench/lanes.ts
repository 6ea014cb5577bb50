/**
 * `node bench/lanes.ts [GROUPS]`: how many steps of a backlog (1,000 groups) go before each step of a live group that comes
 * last, on one heavy slot. Prints one line a step, and how long it took to line the backlog up.
 */
import startTestServer from '../test/temporal-server.ts';
import stopTestServer from '../test/temporal-server-stop.ts';
import { measureLaneDelay } from '../test/workflows/lane-delay.ts';
import { OneHost } from '../test/workflows/one-host.ts';

const backlog = Number(process.argv[2] ?? 1000);
await startTestServer();
const host = await OneHost.create({ 'worker.slots': 1 });
try {
  await host.startWorker();
  const startedAt = performance.now();
  const { waiting, overtakenBy } = await measureLaneDelay(host, backlog);
  console.log(`${waiting} of ${backlog} backlog groups had not begun when the live group was served`);
  for (const { step, others } of overtakenBy) console.log(`${step.padEnd(10)} ${others} steps of others went before it`);
  console.log(`${((performance.now() - startedAt) / 1000).toFixed(0)} s in all`);
} finally {
  await host.stop();
  await stopTestServer();
}
