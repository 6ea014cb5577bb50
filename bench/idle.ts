/**
 * `node bench/idle.ts`: the share of one core that `contimg up` takes while no file arrives, over 20 s, once its
 * start has settled, whole and by part. Read from /proc for every process of its tree.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type TreeProcess, treeBelow } from '../test/chaos/process-tree.ts';
import { WholePipeline } from '../test/chaos/whole-pipeline.ts';

const SETTLE_MS = 20_000;
const WINDOW_MS = 20_000;

const partOf = ({ command }: TreeProcess): string =>
  /main\.ts (\w+)/.exec(command)?.[1] ?? (/start-dev/.test(command) ? 'temporal' : 'other');

const pipeline = await WholePipeline.create();
try {
  await pipeline.start();
  await sleep(SETTLE_MS);
  const before = new Map(treeBelow(pipeline.pid).map((one) => [one.pid, one.cpuS]));
  const startedMs = performance.now();
  await sleep(WINDOW_MS);
  const elapsedS = (performance.now() - startedMs) / 1000;
  const shares = treeBelow(pipeline.pid).map((one) => ({
    part: partOf(one),
    percent: (100 * (one.cpuS - (before.get(one.pid) ?? 0))) / elapsedS,
  }));
  const whole = shares.reduce((sum, { percent }) => sum + percent, 0);
  console.log(`idle: ${whole.toFixed(1)} % of one core (${shares.map(({ part, percent }) => `${part} ${percent.toFixed(1)}`).join(', ')})`);
} finally {
  await pipeline.cleanUp();
}
