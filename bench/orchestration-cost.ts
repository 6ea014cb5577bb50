/** What a group costs outside its science: the time from its first file to its last row, less the lives of its processes. */
import type { OneHost } from '../test/workflows/one-host.ts';

/** One group after the other, as on a quiet night; the host's calibration set is solved first. Seconds, in the order run. */
export async function secondsOutsideScience(host: OneHost, groups: number): Promise<number[]> {
  const calibrator = host.newGroup();
  host.withCalibrator(calibrator);
  await calibrator.announceAll();
  await calibrator.result();
  const costs: number[] = [];
  while (costs.length < groups) {
    const group = host.newGroup();
    const startedMs = performance.now();
    await group.announceAll();
    const { state } = await group.result();
    const elapsedS = (performance.now() - startedMs) / 1000;
    if (state !== 'completed') throw new Error(`the group is ${state}`);
    costs.push(elapsedS - host.scienceSeconds(group));
  }
  return costs;
}
