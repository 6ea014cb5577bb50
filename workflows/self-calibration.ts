/**
 * Self-calibration of a group as part of its step `calibrate`: round after round, each an activity whose answer is
 * remembered. A try that ended inside a round, or a person who says `fromRound`, goes on with that round; nothing before it
 * is done again.
 */
import type { HostScienceActivities } from '../activities/contract.ts';
import { bestRound, goesOn, noteOfRounds } from '../src/domain/self-calibration.ts';
import type { AttemptName, Measured, Resources, StepOutputs } from '../src/domain/step-output.ts';
import { type GroupMemory, outputOf } from './group-memory.ts';
import type { Journal } from './journal.ts';

type Calibrated = Measured<StepOutputs['calibrate']>;

/** Calibrates unless that was done, then adds the rounds that are asked for and worth it. */
export async function withSelfCalibration(
  group: GroupMemory,
  journal: Journal,
  attempt: AttemptName,
  science: HostScienceActivities,
  calibrate: () => Promise<Calibrated>,
): Promise<Calibrated> {
  const { selfCalRounds } = group.parameters.calibrate;
  // Absent in groups that began before there were rounds; NaN and undefined are not above 0 either.
  if (!(selfCalRounds > 0)) return calibrate();
  const progress = (group.selfCalibration ??= { calibrated: await calibrate(), rounds: [] });
  const { calibrated, rounds } = progress;
  const { raDeg, decDeg } = outputOf(group, 'concat').result;
  const costs: (Resources | null)[] = [];
  while (goesOn(rounds, selfCalRounds)) {
    const round = rounds.length + 1;
    group.nextAutomaticAction = `round ${round} of at most ${selfCalRounds} of self-calibration`;
    journal.changed();
    const { output, resources } = await science.selfCalibrate({
      attempt,
      requestedAt: new Date().toISOString(),
      parameters: group.parameters.calibrate,
      image: group.parameters.image,
      centre: { raDeg, decDeg },
      round,
      ms: rounds.at(-1)?.ms ?? calibrated.output.result.ms,
      before: rounds[0]?.before ?? null,
    });
    rounds.push(output);
    costs.push(resources);
  }
  group.nextAutomaticAction = null;
  const ms = bestRound(rounds)?.ms ?? calibrated.output.result.ms;
  const note = [calibrated.note, noteOfRounds(rounds)].filter((text) => text !== null).join('; ');
  return {
    ...calibrated,
    output: { ...calibrated.output, result: { ...calibrated.output.result, ms } },
    resources: together([calibrated.resources, ...costs]),
    note,
  };
}

/** One after the other: times add up, memory is that of the largest. */
function together(costs: readonly (Resources | null)[]): Resources | null {
  const known = costs.filter((cost) => cost !== null);
  if (known.length === 0) return null;
  const sum = (of: (cost: Resources) => number): number => known.reduce((total, cost) => total + of(cost), 0);
  return {
    wallS: sum(({ wallS }) => wallS),
    cpuS: sum(({ cpuS }) => cpuS),
    maxRssBytes: Math.max(...known.map((cost) => cost.maxRssBytes)),
  };
}
