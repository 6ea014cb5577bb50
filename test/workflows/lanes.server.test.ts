/** Lanes on one heavy slot: work of the telescope's present never stands behind a backlog. `bench/lanes.ts` takes 1,000 groups. */
import { setTimeout as sleep } from 'node:timers/promises';
import { setLane } from '../../src/temporal/group-client.ts';
import { announceBacklog, measureLaneDelay } from './lane-delay.ts';
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

test('a backlog group that an operator moves while its step waits in the queue is served next, and the step that runs goes on', async () => {
  host.hold('concat');
  const groups = await announceBacklog(host, 6);
  const moved = groups.at(-1);
  if (moved === undefined) throw new Error('no group was announced');
  const before = host.calls().length;
  const because = { by: 'observer', reason: 'needed for a telegram', lane: 'live' as const };
  expect(await setLane(host.client, moved.id, because)).toMatchObject({ lane: 'live', step: 'concat' });
  // Temporal hands the new order to its queue by a timer, in about a second; nothing shows when it has.
  await sleep(5000);
  host.letGo('concat');
  await moved.until(({ step }) => step !== 'concat');
  const served = host
    .calls()
    .slice(before)
    .filter(({ step }) => step === 'concat');
  // What ran, and at most the one that was handed out already.
  expect(served.findIndex(({ groupId }) => groupId === moved.id)).toBeLessThanOrEqual(1);
  for (const group of groups) expect(host.calls(group).filter(({ step }) => step === 'concat').length).toBeLessThanOrEqual(1);
}, 120_000);
