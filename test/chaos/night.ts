/**
 * One night of faults on a real pipeline: groups arrive as planned, parts are killed at random, an operator looks after what
 * parks. Ends when every group has ended and Temporal runs none; answers what the audit found and what it cost.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { GROUP_WORKFLOW_TYPE } from '../../src/domain/observation-group.ts';
import { connectClient } from '../../src/temporal/connection.ts';
import { Correlator } from './correlator.ts';
import { Killer } from './killer.ts';
import { auditNight } from './night-audit.ts';
import { NightOperator } from './night-operator.ts';
import { expectedGroups, MINIMUM_SUBBANDS, planNight } from './night-plan.ts';
import { type NightRow, NightTruth } from './night-rows.ts';
import { processesNaming } from './process-tree.ts';
import { WholePipeline } from './whole-pipeline.ts';

export interface NightOptions {
  groups: number;
  seed: number;
  /** Groups delivered and not yet ended. */
  inFlight: number;
  deadlineS: number;
  /** Null: nobody is killed. */
  killEveryS: { from: number; to: number } | null;
  slots: number;
  /** Groups end with their Measurement Set. */
  converts?: boolean;
  /** No group is sent any more after this; those sent still end. */
  sendForS: number;
  say: (line: string) => void;
}

export interface NightReport {
  findings: string[];
  outcomes: Record<string, number>;
  kills: Killer['kills'];
  acts: NightOperator['acts'];
  refusals: NightOperator['refusals'];
  /** From the first file to the last ended group. */
  elapsedS: number;
  attempts: number;
  repeated: number;
}

const LOOK_EVERY_MS = 1_000;
const SAY_EVERY_MS = 15_000;
/** Longer than the slowest way round: a deadline, an upgrade's deadline and restarts in between. */
const STUCK_AFTER_MS = 240_000;
const ATTEMPTS = { heartbeat_s: 10, first_retry_delay_s: 0.2 } as const;

export async function runNight(options: NightOptions): Promise<NightReport> {
  const { deadlineS, slots, seed, say } = options;
  const plan = planNight(options);
  const truth = new NightTruth(expectedGroups(plan));
  const pipeline = await WholePipeline.create({
    collecting: { deadline_s: deadlineS, warn_after_s: deadlineS / 2, minimum: MINIMUM_SUBBANDS, recheck_s: 5 },
    watch: { poll_s: 1, rescan_s: 10, settle_s: 0.5, admission_s: Math.min(8, deadlineS) },
    attempt: ATTEMPTS,
    worker: { slots },
    // One transit serves the whole night.
    calibration: { validity_hours: 10_000 },
    ...(options.converts === true && { policy: { solve: true, photometry: true, last_step: 'organize' } }),
  });
  const correlator = new Correlator({ input: pipeline.incoming, desk: join(pipeline.folder, 'desk'), deadlineS, seed });
  const operator = new NightOperator(pipeline);
  const killer = new Killer(pipeline, seed);
  const [calibrator, ...others] = plan;
  if (calibrator === undefined) throw new RangeError('a night has at least one group');
  try {
    await pipeline.start();
    writeFileSync(join(pipeline.folder, `calibrator-${calibrator.startText}`), '');
    await correlator.deliver(calibrator);
    await pipeline.until('the calibrator is done', () => truth.rows(pipeline).some((row) => row.outcome === 'done'));
    say(`${truth.size} groups to come, seed ${seed}`);

    const startedMs = performance.now();
    const killing = options.killEveryS === null ? Promise.resolve() : killer.work(options.killEveryS);
    await passTheNight({ options, others, pipeline, truth, correlator, operator, killer });
    const elapsedS = (performance.now() - startedMs) / 1000;
    killer.stop();
    await killing;

    const running = await runningGroups(pipeline);
    const findings = [
      ...operator.problems,
      ...auditNight(pipeline, truth, [...correlator.left.values()], options.converts === true ? 'ms' : 'image ms'),
    ];
    if (running !== 0) findings.push(`Temporal still runs ${running} groups`);
    const exitCode = await pipeline.stop();
    if (exitCode !== 0) findings.push(`the pipeline ended with exit code ${exitCode}`);
    for (const one of processesNaming(pipeline.folder)) findings.push(`process ${one.pid} is left: ${one.command}`);
    return {
      findings,
      outcomes: outcomesOf(truth.rows(pipeline)),
      kills: killer.kills,
      acts: operator.acts,
      refusals: operator.refusals,
      elapsedS,
      ...attemptsOf(pipeline),
    };
  } finally {
    killer.stop();
    await operator.close();
    await pipeline.cleanUp();
    rmSync(pipeline.folder, { recursive: true, force: true });
  }
}

interface Cast {
  options: NightOptions;
  others: ReturnType<typeof planNight>;
  pipeline: WholePipeline;
  truth: NightTruth;
  correlator: Correlator;
  operator: NightOperator;
  killer: Killer;
}

/** Delivers group after group, at most so many open at once, until each has ended as it must. */
async function passTheNight({ options, others, pipeline, truth, correlator, operator, killer }: Cast): Promise<void> {
  const startedMs = performance.now();
  const waiting = [...others];
  const deliveries: Promise<void>[] = [];
  let [endedBefore, progressMs, saidMs] = [0, performance.now(), performance.now()];
  for (;;) {
    const rows = truth.rows(pipeline);
    operator.look(rows);
    if (performance.now() - startedMs > options.sendForS * 1000) truth.forget(waiting.splice(0));
    const endedRows = rows.filter((row) => row.outcome === row.expected.ends && hasClosed(row));
    const ended = endedRows.length;
    const open = deliveries.length - endedRows.filter(({ expected }) => !expected.isStray && others.includes(expected.plan)).length;
    for (const next of waiting.splice(0, Math.max(0, options.inFlight - open))) {
      operator.prepare(next);
      deliveries.push(correlator.deliver(next));
    }
    if (ended > endedBefore) [endedBefore, progressMs] = [ended, performance.now()];
    if (performance.now() - saidMs > SAY_EVERY_MS) {
      saidMs = performance.now();
      const elapsedS = (saidMs - startedMs) / 1000;
      const states = Map.groupBy(rows, ({ state }) => state);
      const counts = ['collecting', 'pending', 'in_progress', 'needs_attention'].map(
        (state) => `${state} ${states.get(state)?.length ?? 0}`,
      );
      options.say(
        `${elapsedS.toFixed(0)} s: ${ended} of ${truth.size} ended (${((60 * ended) / elapsedS).toFixed(0)} a minute), ${counts.join(', ')}; ` +
          `kills ${JSON.stringify(killer.kills)}; operator ${JSON.stringify(operator.acts)}, refused ${JSON.stringify(operator.refusals)}; load ${(loadavg()[0] ?? 0).toFixed(1)}`,
      );
    }
    if (ended === truth.size) break;
    if (performance.now() - progressMs > STUCK_AFTER_MS) {
      const stuck = rows.filter((row) => row.outcome !== row.expected.ends || !hasClosed(row)).slice(0, 10);
      options.say(`no group ended for ${STUCK_AFTER_MS / 1000} s; the first of those open: ${JSON.stringify(stuck.map(briefly))}`);
      break;
    }
    await sleep(LOOK_EVERY_MS);
  }
  await Promise.all(deliveries);
}

const hasClosed = ({ state }: NightRow): boolean => state === 'completed' || state === 'cancelled' || state === 'failed';
const briefly = ({ group_id, state, failed_step, error_code, outcome, expected }: NightRow): object => ({
  group_id,
  state,
  failed_step,
  error_code,
  outcome,
  ends: expected.ends,
  fates: expected.plan.fates.filter((fate) => fate !== 'whole'),
});

async function runningGroups(pipeline: WholePipeline): Promise<number> {
  const client = await connectClient(pipeline.settings);
  try {
    const query = `WorkflowType = '${GROUP_WORKFLOW_TYPE}' AND ExecutionStatus = 'Running'`;
    return (await client.workflow.count(query)).count;
  } finally {
    await client.connection.close();
  }
}

const outcomesOf = (rows: readonly NightRow[]): Record<string, number> =>
  Object.fromEntries([...Map.groupBy(rows, ({ outcome }) => outcome ?? 'none')].map(([outcome, same]) => [outcome, same.length]));

function attemptsOf(pipeline: WholePipeline): { attempts: number; repeated: number } {
  const [row] = pipeline.read<{ attempts: number; repeated: number }>(
    `SELECT count(*) AS attempts, coalesce(sum(attempt > 1), 0) AS repeated FROM step_attempts`,
  );
  return row ?? { attempts: 0, repeated: 0 };
}
