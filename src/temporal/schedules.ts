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
import { MOSAIC_WORKFLOWS } from '../domain/mosaic.ts';
import { TASK_QUEUES } from '../domain/observation-group.ts';
import { VARIABILITY_WORKFLOW } from '../domain/variability-command.ts';

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
  {
    scheduleId: 'variability-nightly',
    does: 'nightly, 03:00 UTC: the variability of every source made again from its points, and the candidates',
    spec: { calendars: [{ hour: 3, minute: 0 }] },
    action: {
      type: 'startWorkflow',
      workflowType: VARIABILITY_WORKFLOW,
      workflowId: 'variability-nightly',
      taskQueue: TASK_QUEUES.pipeline,
      args: [],
      workflowExecutionTimeout: '12 hours',
    },
    // One that was missed is made up for when the pipeline is back within the day.
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '12 hours' },
  },
];

const MOSAIC_SCHEDULE = 'mosaic-hourly';

/** Ten minutes past: the last groups of the hour are being worked on, and their mosaics wait for them. */
const mosaicSchedule: WantedSchedule = {
  scheduleId: MOSAIC_SCHEDULE,
  does: 'each hour: mosaics that are missing or whose members are others now',
  spec: { calendars: [{ hour: '*', minute: 10 }] },
  action: {
    type: 'startWorkflow',
    workflowType: MOSAIC_WORKFLOWS.sweep,
    workflowId: MOSAIC_SCHEDULE,
    taskQueue: TASK_QUEUES.pipeline,
    args: [],
    workflowExecutionTimeout: '30 minutes',
  },
  // A sweep looks at days: one that was missed needs no making up.
  policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1 minute' },
};

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

type Switches = Pick<Settings, 'canary' | 'policy'>;

export const wantedSchedules = ({ canary, policy }: Switches): readonly WantedSchedule[] => [
  ...ALWAYS,
  ...(policy.mosaic ? [mosaicSchedule] : []),
  ...(canary.enabled ? [canarySchedule(canary.everyH)] : []),
];

export async function applySchedules(client: Client, settings: Switches): Promise<AppliedSchedule[]> {
  if (!settings.canary.enabled) await takeAway(client, CANARY_SCHEDULE);
  if (!settings.policy.mosaic) await takeAway(client, MOSAIC_SCHEDULE);
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
