/**
 * How much a backlog delays a live group, counted in steps: many groups of lane `backlog` stand before the one heavy slot of a
 * host when a live one comes. Counted is how many steps of others begin between the moment Temporal has a step of the live group
 * in its queue and the moment that step begins.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { OneHost, TestGroup } from './one-host.ts';

/** Two subbands make a full group here: files stay few and every decision is the same. */
const small = {
  subbands: [0, 1],
  policy: (policy: TestGroup['input']['policy']): void => {
    Object.assign(policy.collecting, { expected: 2, minimum: 2, recheckMs: 600_000 });
    policy.steps.photometry = false;
    policy.calibration.waitMs = 0;
  },
};
/** Announced at the same time. */
const AT_ONCE = 20;

/** Asked of the database, not of a hundred workflows. */
const groupsInConcat = (host: OneHost): string[] =>
  host.read<{ group_id: string }>(`SELECT group_id FROM groups WHERE step = 'concat'`).map(({ group_id }) => group_id);

async function until(reached: () => boolean, limitMs: number): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!reached()) {
    if (Date.now() > deadline) throw new Error(`not reached within ${limitMs / 1000} s: ${reached.toString()}`);
    await sleep(100);
  }
}

/** By science program: when Temporal had the step of the group in a queue. */
async function whenQueued(group: TestGroup): Promise<Map<string, number>> {
  const { events } = await group.handle.fetchHistory();
  return new Map(
    (events ?? []).flatMap(({ activityTaskScheduledEventAttributes: scheduled, eventTime }) => {
      const name = scheduled?.activityType?.name;
      if (name === undefined || name === null) return [];
      const atMs = 1000 * Number(eventTime?.seconds) + Number(eventTime?.nanos) / 1e6;
      return [[name === 'organize' ? 'validate' : name, atMs]];
    }),
  );
}

export interface LaneDelay {
  /** Groups of the backlog that had begun a step when the live one came, and all that had not. */
  waiting: number;
  /** For each step of the live group, the steps of others that began while it could have. */
  overtakenBy: { step: string; others: number }[];
}

/** Groups of lane `backlog`, each with its first heavy step running or in the queue. */
export async function announceBacklog(host: OneHost, count: number): Promise<TestGroup[]> {
  const groups = Array.from({ length: count }, () => host.newGroup(small));
  for (const group of groups) group.input.lane = 'backlog';
  for (let start = 0; start < groups.length; start += AT_ONCE) {
    await Promise.all(groups.slice(start, start + AT_ONCE).map((group) => group.announceAll()));
  }
  const ids = groups.map(({ id }) => id);
  await until(() => {
    const reached = new Set(groupsInConcat(host));
    return ids.every((id) => reached.has(id));
  }, 300_000);
  return groups;
}

export async function measureLaneDelay(host: OneHost, backlog: number): Promise<LaneDelay> {
  host.hold('concat');
  await announceBacklog(host, backlog);
  const live = host.newGroup(small);
  await live.announceAll();
  await until(() => groupsInConcat(host).includes(live.id), 60_000);
  const before = host.calls().length;
  host.letGo('concat');
  await until(() => host.calls(live).some(({ step }) => step === 'flag'), 120_000);
  const order = host.calls().slice(before);
  const queuedMs = await whenQueued(live);
  const overtakenBy = order
    .filter(({ groupId }) => groupId === live.id)
    .map(({ step, beganMs }) => {
      const sinceMs = queuedMs.get(step);
      if (sinceMs === undefined) throw new Error(`the history of ${live.id} has no ${step} in a queue`);
      const others = order.filter((call) => call.groupId !== live.id && call.beganMs >= sinceMs && call.beganMs < beganMs);
      return { step, others: others.length };
    });
  return { waiting: backlog - new Set(host.calls().map(({ groupId }) => groupId)).size + 1, overtakenBy };
}
