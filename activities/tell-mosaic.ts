/** Tells the mosaic of an hour that a group of it is finished, and starts that mosaic if it is not running. */
import type { Client } from '@temporalio/client';
import { hourMosaicInput } from '../src/config/mosaic-input.ts';
import type { Settings } from '../src/config/settings.ts';
import { LANE_PRIORITY } from '../src/domain/group-state.ts';
import { MOSAIC_SIGNALS, MOSAIC_WORKFLOWS, stripHourOf, workflowIdOfMosaic } from '../src/domain/mosaic.ts';
import type { MosaicProbeActivities } from '../src/domain/mosaic-record.ts';
import { TASK_QUEUES } from '../src/domain/observation-group.ts';

/** Queue `pipeline`. */
export const createMosaicProbeActivities = (settings: Settings, client: Client): MosaicProbeActivities => ({
  tellMosaic: async ({ groupId, ...observation }) => {
    const input = hourMosaicInput(settings, stripHourOf(observation));
    await client.workflow.signalWithStart(MOSAIC_WORKFLOWS.mosaic, {
      workflowId: workflowIdOfMosaic(input),
      taskQueue: TASK_QUEUES.pipeline,
      args: [input],
      signal: MOSAIC_SIGNALS.memberFinished,
      signalArgs: [groupId],
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      priority: { priorityKey: LANE_PRIORITY[input.lane] },
    });
  },
});
