/**
 * Groups that were open when the code changed must go on with it: every stored history (record-histories.ts) is replayed
 * with the workflows as they are now. A replay that ends differently is a change that breaks open groups.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DefaultLogger, Runtime, Worker, type WorkflowBundle } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import pino from 'pino';
import { workflowBundle } from '../../src/temporal/workflow-bundle.ts';

interface HistoryEvent {
  eventType: string;
  activityTaskScheduledEventAttributes?: { activityType: { name: string } };
  timerStartedEventAttributes?: { timerId: string; startToFireTimeout: string };
}
interface History {
  events: HistoryEvent[];
}

const histories = join(import.meta.dirname, 'histories');
const names = readdirSync(histories).map((file) => file.replace('.json', ''));
const read = (name: string): History => JSON.parse(readFileSync(join(histories, `${name}.json`), 'utf8'));

let bundle: WorkflowBundle;
beforeAll(async () => {
  // The replays that must fail would each be logged at length.
  Runtime.install({
    logger: new DefaultLogger('ERROR', () => undefined),
    telemetryOptions: { logging: { filter: { core: 'ERROR', other: 'ERROR' }, forward: {} } },
  });
  const folder = mkdtempSync(join(tmpdir(), 'contimg-replay-'));
  bundle = await workflowBundle(folder, pino({ level: 'silent' }));
  rmSync(folder, { recursive: true });
}, 60_000);

const replay = (history: History): Promise<void> => Worker.runReplayHistory({ workflowBundle: bundle }, history);

test('every way a group can go is stored', () => {
  expect(names.sort()).toEqual(
    ['calibration', 'calibrator', 'cancelled', 'degraded', 'followed-a-rerun', 'parked-for-calibration', 'plain'].concat([
      'rejected',
      'rerun',
      'resumed',
      'retried',
      'upgraded',
      'waited-for-calibration',
    ]),
  );
});

test.each(names)('%s replays with the workflows as they are now', async (name) => {
  await expect(replay(read(name))).resolves.toBeUndefined();
});

describe('a history that the workflows would not have made is told from one they would', () => {
  const scheduled = (event: HistoryEvent, activity: string): boolean =>
    event.activityTaskScheduledEventAttributes?.activityType.name === activity;

  test('by an activity of another name', async () => {
    const history = read('plain');
    const flag = history.events.find((event) => scheduled(event, 'flag'));
    if (flag?.activityTaskScheduledEventAttributes === undefined) throw new Error('the history has no such activity');
    flag.activityTaskScheduledEventAttributes.activityType.name = 'calibrate';
    await expect(replay(history)).rejects.toThrow(DeterminismViolationError);
  });

  test('by two activities in the other order', async () => {
    const history = read('plain');
    const types = history.events.flatMap(({ activityTaskScheduledEventAttributes: scheduledAs }) => scheduledAs?.activityType ?? []);
    const concat = types.find(({ name }) => name === 'concat');
    const image = types.find(({ name }) => name === 'image');
    if (concat === undefined || image === undefined) throw new Error('the history has no such activities');
    [concat.name, image.name] = [image.name, concat.name];
    await expect(replay(history)).rejects.toThrow(DeterminismViolationError);
  });

  test('by an activity that is missing', async () => {
    const history = read('plain');
    const at = history.events.findIndex((event) => scheduled(event, 'concat'));
    // A timer instead, so that the numbering of events stays whole.
    history.events[at] = {
      ...history.events[at],
      eventType: 'EVENT_TYPE_TIMER_STARTED',
      timerStartedEventAttributes: { timerId: '1', startToFireTimeout: '1s' },
    };
    delete history.events[at].activityTaskScheduledEventAttributes;
    await expect(replay(history)).rejects.toThrow(DeterminismViolationError);
  });
});
