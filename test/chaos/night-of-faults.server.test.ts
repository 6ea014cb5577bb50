/**
 * A short night on a real pipeline: twenty groups whose files and science go wrong at random, while every part is killed once.
 * `node bench/chaos.ts` is the long one.
 */
import { runNight } from './night.ts';

test('every group ends once, with a reason, its products and raw files as they must be, and nobody is left running', async () => {
  const { findings, outcomes, kills } = await runNight({
    groups: 20,
    seed: 20_251_002,
    inFlight: 20,
    deadlineS: 6,
    killEveryS: { from: 5, to: 8 },
    slots: 4,
    sendForS: Number.POSITIVE_INFINITY,
    say: () => undefined,
  });
  expect(findings).toEqual([]);
  expect(outcomes).toMatchObject({ done: expect.any(Number), degraded: expect.any(Number), skipped: expect.any(Number) });
  expect(Object.values(kills).reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(2);
}, 600_000);
