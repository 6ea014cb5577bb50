/**
 * What the pipeline does by the clock, as Temporal Schedules. Applying them makes what is missing and brings the rest up to
 * date; one that an operator paused stays paused, one that is switched off in the settings is taken away.
 */
import {
  type Client,
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  ScheduleOverlapPolicy,
  type ScheduleOptions,
} from '@temporalio/client';
import type { Settings } from '../config/settings.ts';
import type { CanaryRequest } from '../domain/canary.ts';
import { CANARY_WORKFLOW } from '../domain/canary-command.ts';
import { LEDGER_WORKFLOWS } from '../domain/ledger-command.ts';
import { TASK_QUEUES } from '../domain/observation-group.ts';

export interface AppliedSchedule {
  id: string;
  does: string;
  action: 'created' | 'updated';
  isPaused: boolean;
}

type WantedSchedule = Pick<ScheduleOptions, 'scheduleId' | 'spec' | 'action' | 'policies'> & { does: string };

const ALWAYS: readonly WantedSchedule[] = [
  {
    scheduleId: 'ledger-expectation',
    does: 'each minute: what the telescope should have produced by now',
    spec: { intervals: [{ every: '1 minute' }] },
    action: {
      type: 'startWorkflow',
      workflowType: LEDGER_WORKFLOWS.expectation,
      workflowId: 'ledger-expectation',
      taskQueue: TASK_QUEUES.pipeline,
      args: [],
      // With no worker it ends by itself; the next look makes up for it.
      workflowExecutionTimeout: '5 minutes',
    },
    // A look tells everything up to its own time: one that was missed needs no making up, and two at once no doing.
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1 minute' },
  },
];

const CANARY_SCHEDULE = 'canary';

const canarySchedule = (everyH: number): WantedSchedule => ({
  scheduleId: CANARY_SCHEDULE,
  does: `every ${everyH} h: synthetic sources through the whole line, in a copy of the group completed last`,
  spec: { intervals: [{ every: everyH * 3_600_000 }] },
  action: {
    type: 'startWorkflow',
    workflowType: CANARY_WORKFLOW,
    workflowId: 'canary',
    taskQueue: TASK_QUEUES.pipeline,
    args: [{ groupId: null, by: 'schedule' } satisfies CanaryRequest],
  },
  // One that was missed says nothing of now.
  policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1 minute' },
});

export const wantedSchedules = ({ canary }: Pick<Settings, 'canary'>): readonly WantedSchedule[] =>
  canary.enabled ? [...ALWAYS, canarySchedule(canary.everyH)] : ALWAYS;

export async function applySchedules(client: Client, settings: Pick<Settings, 'canary'>): Promise<AppliedSchedule[]> {
  if (!settings.canary.enabled) await takeAway(client, CANARY_SCHEDULE);
  const applied: AppliedSchedule[] = [];
  for (const { does, ...wanted } of wantedSchedules(settings))
    applied.push({ id: wanted.scheduleId, does, ...(await applyOne(client, wanted)) });
  return applied;
}

async function takeAway(client: Client, id: string): Promise<void> {
  try {
    await client.schedule.getHandle(id).delete();
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
  }
}

async function applyOne(client: Client, wanted: Omit<WantedSchedule, 'does'>): Promise<Pick<AppliedSchedule, 'action' | 'isPaused'>> {
  try {
    await client.schedule.create(wanted);
    return { action: 'created', isPaused: false };
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
  }
  const handle = client.schedule.getHandle(wanted.scheduleId);
  const { spec, action, policies = {} } = wanted;
  await handle.update(({ state }) => ({ spec, action, policies, state }));
  return { action: 'updated', isPaused: (await handle.describe()).state.paused };
}
