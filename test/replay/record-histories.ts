/**
 * Records the histories that replay.slow.test.ts replays: `node test/replay/record-histories.ts` walks real groups through a
 * real server and worker (a minute) and writes histories/*.json anew. Run it, and commit what it writes, when a change of
 * the workflows is meant to be incompatible with groups that are open; a change that is not meant so must leave the files
 * alone and pass. Kept: every event with its flags of the SDK. Left out, because replay reads none of it: who polled, where
 * the code lay, and the arguments and time limits the workflow itself gave to its activities.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cancelGroup, resumeGroup } from '../../src/temporal/group-client.ts';
import startTestServer from '../temporal-server.ts';
import stopTestServer from '../temporal-server-stop.ts';
import { OneHost, type TestGroup } from '../workflows/one-host.ts';

const folder = join(import.meta.dirname, 'histories');
const by = { by: 'observer', reason: 'recorded for replay' };

interface History {
  events: { workflowExecutionStartedEventAttributes?: { continuedExecutionRunId?: string } }[];
}

/** Names the machine, the process or the request that took part, never what the workflow decided by. */
const LEFT_OUT = new Set([
  'identity',
  'stackTrace',
  'workerVersion',
  'requestId',
  'taskId',
  'historySizeBytes',
  'meteringMetadata',
  'header',
  'retryPolicy',
  'scheduleToCloseTimeout',
  'scheduleToStartTimeout',
  'startToCloseTimeout',
  'heartbeatTimeout',
]);

function stripped(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(stripped);
  if (typeof value !== 'object' || value === null) return value;
  const ownArguments = 'activityType' in value ? 'input' : null;
  const kept = Object.entries(value).filter(([key]) => !LEFT_OUT.has(key) && key !== ownArguments);
  const isSticky = kept.some(([key, kind]) => key === 'kind' && kind === 'TASK_QUEUE_KIND_STICKY');
  return Object.fromEntries(kept.map(([key, part]) => [key, isSticky && key === 'name' ? 'sticky' : stripped(part)]));
}

async function historyOf(host: OneHost, workflowId: string, runId?: string): Promise<History> {
  const run = runId === undefined ? [] : ['--run-id', runId];
  return JSON.parse(await host.temporal('workflow', 'show', '--workflow-id', workflowId, ...run, '--output', 'json'));
}

function save(name: string, history: History): void {
  const text = `${JSON.stringify(stripped(history))}\n`;
  writeFileSync(join(folder, `${name}.json`), text);
  console.log(
    `${name.padEnd(24)} ${String(history.events.length).padStart(4)} events ${String(Math.round(text.length / 1000)).padStart(4)} kB`,
  );
}

const saveGroup = async (name: string, group: TestGroup): Promise<void> => save(name, await historyOf(group.host, group.handle.workflowId));

/** Four subbands make a full group here: files stay small and every decision is the same. */
const small = (change: (policy: TestGroup['input']['policy']) => void = () => undefined) => ({
  subbands: [0, 1, 2, 3],
  policy: (policy: TestGroup['input']['policy']) => {
    Object.assign(policy.collecting, { expected: 4, minimum: 4, recheckMs: 600_000 });
    change(policy);
  },
});

async function record(host: OneHost): Promise<void> {
  const waiting = host.newGroup(small());
  await waiting.announceAll();
  await waiting.until(({ waitingFor }) => waitingFor?.includes('calibration') === true);

  const impatient = host.newGroup(
    small((policy) => {
      policy.calibration.waitMs = 100;
    }),
  );
  await impatient.announceAll();
  await impatient.parked();

  const calibrator = host.newGroup(small());
  host.withCalibrator(calibrator);
  await calibrator.announceAll();
  await calibrator.result();
  await saveGroup('calibrator', calibrator);
  save('calibration', await historyOf(host, `calibration/3C147/${calibrator.id}`));
  await waiting.result();
  await saveGroup('waited-for-calibration', waiting);
  await impatient.result();
  await saveGroup('parked-for-calibration', impatient);

  const plain = host.newGroup();
  await plain.announceAll();
  await plain.result();
  await saveGroup('plain', plain);

  const retried = host.newGroup(small());
  host.failing('image', { type: 'ToolFailed', code: 'Crashed', times: 1 });
  await retried.announceAll();
  await retried.result();
  await saveGroup('retried', retried);

  const resumed = host.newGroup(small());
  host.failing('image', { type: 'BadInput', code: 'Diverged', whenParameterAbove: { name: 'mgain', limit: 0.75 } });
  await resumed.announceAll();
  await resumed.parked();
  await resumeGroup(host.client, resumed.id, { ...by, from: 'flag' });
  await resumed.parked();
  await resumeGroup(host.client, resumed.id, { ...by, parameters: { mgain: 0.7 } });
  await resumed.result();
  host.succeeding('image');
  await saveGroup('resumed', resumed);

  const cancelled = host.newGroup(small());
  host.hold('flag');
  await cancelled.announceAll();
  await cancelled.until(() => host.calls(cancelled).some(({ step }) => step === 'flag'));
  await cancelGroup(host.client, cancelled.id, by);
  host.letGo('flag');
  await cancelled.result();
  await saveGroup('cancelled', cancelled);

  await recordUpgrade(host);
  await recordRejected(host);
  await recordRerun(host, calibrator, plain);
}

/** The set is rejected and filed, and made again when a person resumes the group. */
async function recordRejected(host: OneHost): Promise<void> {
  const group = host.newGroup(small());
  host.failing('validate', { type: 'QualityRejected', code: 'V06' });
  await group.announceAll();
  await group.parked();
  host.succeeding('validate');
  await resumeGroup(host.client, group.id, by);
  await group.result();
  await saveGroup('rejected', group);
}

/** A calibrator is solved again, and a group calibrated with its first set follows by itself. */
async function recordRerun(host: OneHost, calibrator: TestGroup, follower: TestGroup): Promise<void> {
  const request = { requestId: 'recorded', ...by, from: 'solve' } as const;
  const parameters = { ...calibrator.input.parameters, solve: { ...calibrator.input.parameters.solve, minSnr: 6 } };
  await host.client.workflow.signalWithStart('observationGroup', {
    workflowId: calibrator.handle.workflowId,
    taskQueue: 'pipeline',
    args: [
      {
        ...calibrator.input,
        parameters,
        lane: 'reprocess',
        runNumber: 2,
        runReason: by.reason,
        rerun: { from: 'solve', requestId: 'recorded' },
      },
    ],
    signal: 'rerun',
    signalArgs: [request],
  });
  await calibrator.result();
  await saveGroup('rerun', calibrator);
  while ((await follower.status()).runNumber === 1) await sleep(200);
  await follower.result();
  await saveGroup('followed-a-rerun', follower);
}

/** One subband late: the first run ends degraded and continues as the second. */
async function recordUpgrade(host: OneHost): Promise<void> {
  const group = host.newGroup(small((policy) => Object.assign(policy.collecting, { minimum: 3, deadlineMs: 500 })));
  const late = group.files.pop();
  if (late === undefined) throw new Error('a group has files');
  host.hold('image');
  await group.announceAll();
  await group.until(({ step }) => step === 'image');
  await group.announce(late);
  host.letGo('image');
  await group.result();
  const second = await historyOf(host, group.handle.workflowId);
  const firstRun = second.events[0]?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId;
  if (firstRun === undefined) throw new Error('the group was not continued as a new run');
  save('degraded', await historyOf(host, group.handle.workflowId, firstRun));
  save('upgraded', second);
}

rmSync(folder, { recursive: true, force: true });
mkdirSync(folder);
await startTestServer();
const host = await OneHost.create();
try {
  await host.startWorker();
  await record(host);
} finally {
  await host.stop();
  await stopTestServer();
}
