/**
 * `node bench/orchestration.ts`: seconds a group spends outside its science processes (signals, decisions, activities, rows,
 * file work, starting and reaping processes), on an embedded server and an otherwise quiet host. Prints each of five and their median.
 */
import startTestServer from '../test/temporal-server.ts';
import stopTestServer from '../test/temporal-server-stop.ts';
import { OneHost } from '../test/workflows/one-host.ts';
import { secondsOutsideScience } from './orchestration-cost.ts';

await startTestServer();
const host = await OneHost.create();
try {
  await host.startWorker();
  const costs = await secondsOutsideScience(host, 5);
  const median = costs.toSorted((one, two) => one - two)[2] ?? Number.NaN;
  console.log(`outside science: ${costs.map((cost) => cost.toFixed(2)).join(', ')} s; median ${median.toFixed(2)} s a group`);
} finally {
  await host.stop();
  await stopTestServer();
}
