/**
 * Asks for a rerun of a group: one call that starts a new run of a closed group, or tells the open one, which takes it up
 * when it has ended. Telling the same request again changes nothing.
 */
import type { Client } from '@temporalio/client';
import type { GroupRow } from '../catalog/groups.ts';
import type { Settings } from '../config/settings.ts';
import { workflowIdOfGroup } from '../domain/group-id.ts';
import { LANE_PRIORITY } from '../domain/group-state.ts';
import { GROUP_SIGNALS, GROUP_WORKFLOW_TYPE, TASK_QUEUES } from '../domain/observation-group.ts';
import type { RerunRequest } from '../domain/rerun.ts';
import { groupInputOf } from '../ingest/announcement.ts';

export async function requestRerun(client: Client, settings: Settings, group: GroupRow, request: RerunRequest): Promise<void> {
  const { from, requestId, reason } = request;
  const input = { ...groupInputOf(group, settings, 'reprocess', reason), rerun: { from, requestId } };
  await client.workflow.signalWithStart(GROUP_WORKFLOW_TYPE, {
    workflowId: workflowIdOfGroup(group.group_id),
    taskQueue: TASK_QUEUES.pipeline,
    args: [input],
    signal: GROUP_SIGNALS.rerun,
    signalArgs: [request],
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    priority: { priorityKey: LANE_PRIORITY.reprocess },
  });
}
