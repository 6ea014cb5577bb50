/**
 * What the pipeline does by the clock, as Temporal Schedules. Applying them makes what is missing and brings the rest up to
 * date; one that an operator paused stays paused.
 */
import { type Client, ScheduleAlreadyRunning, ScheduleOverlapPolicy, type ScheduleOptions } from '@temporalio/client';
import { LEDGER_WORKFLOWS } from '../domain/ledger-command.ts';
import { TASK_QUEUES } from '../domain/observation-group.ts';

export interface AppliedSchedule {
  id: string;
  does: string;
  action: 'created' | 'updated';
  isPaused: boolean;
}

type WantedSchedule = Pick<ScheduleOptions, 'scheduleId' | 'spec' | 'action' | 'policies'> & { does: string };

export const SCHEDULES: readonly WantedSchedule[] = [
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

export async function applySchedules(client: Client): Promise<AppliedSchedule[]> {
  const applied: AppliedSchedule[] = [];
  for (const { does, ...wanted } of SCHEDULES) applied.push({ id: wanted.scheduleId, does, ...(await applyOne(client, wanted)) });
  return applied;
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
