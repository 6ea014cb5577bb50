/** Lanes on one heavy slot: work of the telescope's present never stands behind a backlog. `bench/lanes.ts` takes 1,000 groups. */
import { measureLaneDelay } from './lane-delay.ts';
import { OneHost } from './one-host.ts';

let host: OneHost;
beforeAll(async () => {
  host = await OneHost.create({ 'worker.slots': 1 });
  await host.startWorker();
}, 60_000);
afterAll(() => host.stop(), 30_000);

test('forty backlog groups delay a live one by at most one step at a time: the one that runs is finished, no other goes first', async () => {
  const { overtakenBy, waiting } = await measureLaneDelay(host, 40);
  expect(waiting).toBeGreaterThan(30);
  expect(overtakenBy.map(({ step }) => step)).toEqual(['concat', 'validate', 'flag']);
  // The one that was handed out already when the live one came into the queue.
  for (const { others } of overtakenBy) expect(others).toBeLessThanOrEqual(1);
}, 180_000);
