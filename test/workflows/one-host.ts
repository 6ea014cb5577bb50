/**
 * One host for a workflow test: folders, a namespace of its own on the test server, the product database and a real worker,
 * with quick-science.ts as the science interpreter. The worker is `contimg worker`, a process that can be killed.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { type CatalogDatabase, openForReading, openForWriting } from '../../src/catalog/database.ts';
import { groupPolicyOf, configDigestOf } from '../../src/config/group-policy.ts';
import { loadSettings } from '../../src/config/load.ts';
import type { Settings } from '../../src/config/settings.ts';
import type { SubbandArrival } from '../../src/domain/arrival.ts';
import { type GroupId, groupIdFromHeader, workflowIdOfGroup } from '../../src/domain/group-id.ts';
import { LANE_PRIORITY } from '../../src/domain/group-state.ts';
import {
  GROUP_SIGNALS,
  GROUP_WORKFLOW_TYPE,
  type GroupStatus,
  type ObservationGroupInput,
  TASK_QUEUES,
} from '../../src/domain/observation-group.ts';
import { snakeCased } from '../../src/domain/spelling.ts';
import { setUpTemporal } from '../../src/temporal/setup.ts';
import { quickInterpreter, rawFile } from './host-files.ts';
import type { GoodTry, PlannedFailure } from './quick-science.ts';

const root = resolve(import.meta.dirname, '..', '..');
/** 2025-10-01T12:58:16 and later groups, one every 309.237 s. */
const FIRST_T0_JD = 2_460_950.040538759;
const CADENCE_DAYS = 309.237 / 86_400;

export interface Call {
  step: string;
  groupId: string;
  attemptId: string;
  pid: number;
  parameters: Record<string, unknown>;
  /** The Measurement Set it was given, where it takes one. */
  ms?: string;
  /** When its process began, since 1970. */
  beganMs: number;
}

export class OneHost {
  readonly folder = mkdtempSync(join(tmpdir(), 'contimg-host-'));
  readonly namespace = `test-${randomUUID()}`;
  /** What the worker and every other command of this host are run with. */
  readonly config = join(this.folder, 'contimg.json');
  readonly settings: Settings;
  readonly client: Client;
  #process: ChildProcess | null = null;
  #groups = 0;

  private constructor(connection: Connection, overrides: Record<string, unknown>) {
    const python = quickInterpreter(this.folder);
    mkdirSync(join(this.folder, 'incoming'));
    const address = process.env['TEST_TEMPORAL_ADDRESS'] ?? '';
    const values = {
      'paths.input': join(this.folder, 'incoming'),
      'paths.output': join(this.folder, 'products'),
      'paths.state': join(this.folder, 'state'),
      'paths.tmpfs': join(this.folder, 'memory'),
      'paths.python': python,
      'temporal.address': address,
      'temporal.namespace': this.namespace,
      'attempt.heartbeatS': 3,
      'attempt.firstRetryDelayS': 0.05,
      'collecting.recheckS': 0.5,
      'policy.solve': true,
      'policy.photometry': true,
      'worker.hostName': 'test-host',
      'worker.slots': 4,
      'worker.graceS': 1,
      'disk.pauseGb': 0,
      'log.level': 'fatal',
      ...overrides,
    };
    writeFileSync(this.config, JSON.stringify(snakeCased(nested(values))));
    const flags = Object.entries(values).map(([key, value]) => ({ key, value, name: key }));
    this.settings = loadSettings({ flags }).settings;
    this.client = new Client({ connection, namespace: this.namespace });
    mkdirSync(this.settings.paths.tmpfs);
  }

  static async create(overrides: Record<string, unknown> = {}): Promise<OneHost> {
    const connection = await Connection.connect({ address: process.env['TEST_TEMPORAL_ADDRESS'] ?? '' });
    const host = new OneHost(connection, overrides);
    await setUpTemporal(connection, { namespace: host.namespace, retentionDays: 1 });
    openForWriting(host.settings.paths.database, { role: 'catalog' }).close();
    return host;
  }

  /** `contimg worker` as a process of its own. */
  async startWorker(): Promise<void> {
    const main = join(root, 'src', 'cli', 'main.ts');
    const child = spawn(process.execPath, [main, 'worker', '--catalog', '--config', this.config], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    this.#process = child;
    await new Promise<void>((ready, failed) => {
      child.once('spawn', ready);
      child.once('error', failed);
    });
  }

  /** As a person stops it: running steps get `worker.grace_s`, then they are ended. */
  stopWorker = (): Promise<void> => this.killWorker('SIGTERM');

  async killWorker(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    const child = this.#process;
    if (child === null) throw new Error('no worker process to kill');
    this.#process = null;
    if (child.exitCode !== null) throw new Error(`the worker had ended by itself with exit code ${child.exitCode}`);
    const ended = new Promise((done) => child.once('exit', done));
    child.kill(signal);
    await ended;
  }

  async stop(): Promise<void> {
    if (this.#process !== null) await this.killWorker();
    await this.client.connection.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** A new group: its 16 raw files on disk and the input its workflow starts with. */
  newGroup(changes: { policy?: (policy: ObservationGroupInput['policy']) => void; subbands?: number[] } = {}): TestGroup {
    const t0Jd = FIRST_T0_JD + this.#groups * CADENCE_DAYS;
    this.#groups += 1;
    const groupId = groupIdFromHeader(t0Jd, 12.884902);
    const policy = groupPolicyOf(this.settings);
    changes.policy?.(policy);
    const input: ObservationGroupInput = {
      schemaVersion: 1,
      groupId,
      key: { t0Jd, decRad: 0.8814, integrationS: 12.884902, integrations: 24 },
      lane: 'live',
      policy,
      parameters: this.settings.steps,
      configDigest: configDigestOf(this.settings),
      runNumber: 1,
      runReason: null,
      arrivals: [],
    };
    const subbands = changes.subbands ?? Array.from({ length: 16 }, (_, subband) => subband);
    return new TestGroup(
      this,
      input,
      subbands.map((subband) => rawFile(this.settings.paths.input, groupId, subband)),
    );
  }

  /** Makes a step go on until `letGo`. */
  hold(step: string): void {
    writeFileSync(join(this.folder, `hold-${step}`), '');
  }
  letGo(step: string): void {
    rmSync(join(this.folder, `hold-${step}`));
  }
  failing(step: string, failure: PlannedFailure): void {
    writeFileSync(join(this.folder, `fail-${step}.json`), JSON.stringify(failure));
  }
  succeeding(step: string): void {
    rmSync(join(this.folder, `fail-${step}.json`), { force: true });
  }
  withCalibrator(group: TestGroup, ...names: string[]): void {
    writeFileSync(join(this.folder, `calibrator-${group.id}`), names.join(','));
  }
  /** From now on no calibration set passes its gate but those of these tries; `withGoodSolutions` ends it. */
  withPoorSolutions(...but: GoodTry[]): void {
    writeFileSync(join(this.folder, 'poor-solutions'), JSON.stringify(but));
  }
  withGoodSolutions(): void {
    rmSync(join(this.folder, 'poor-solutions'), { force: true });
  }

  /** Changes what commands of this host read from now on; a running worker keeps what it began with. */
  reconfigure(section: string, values: Record<string, unknown>): void {
    const config: Record<string, Record<string, unknown>> = JSON.parse(readFileSync(this.config, 'utf8'));
    config[section] = { ...config[section], ...values };
    writeFileSync(this.config, JSON.stringify(config));
  }

  /** Every science process that was started, in order. */
  calls(group?: TestGroup): Call[] {
    const path = join(this.folder, 'calls.jsonl');
    if (!existsSync(path)) return [];
    const calls: Call[] = readFileSync(path, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    return calls.filter((call) => group === undefined || call.groupId === group.id);
  }

  /** Seconds that science processes of a group lived, Node's start included. */
  scienceSeconds(group: TestGroup): number {
    const lines = readFileSync(join(this.folder, 'lifetimes.jsonl'), 'utf8').trim().split('\n');
    const lifetimes: { groupId: string; seconds: number }[] = lines.map((line) => JSON.parse(line));
    return lifetimes.filter(({ groupId }) => groupId === group.id).reduce((sum, { seconds }) => sum + seconds, 0);
  }

  read<Row>(sql: string, ...values: unknown[]): Row[] {
    const database: CatalogDatabase = openForReading(this.settings.paths.database);
    try {
      return database.prepare<unknown[], Row>(sql).all(...values);
    } finally {
      database.close();
    }
  }

  async temporal(...args: string[]): Promise<string> {
    const address = process.env['TEST_TEMPORAL_ADDRESS'] ?? '';
    const cli = process.env['TEST_TEMPORAL_CLI'] ?? 'temporal';
    const { stdout } = await promisify(execFile)(cli, [...args, '--address', address, '--namespace', this.namespace]);
    return stdout;
  }
}

export class TestGroup {
  readonly host: OneHost;
  readonly input: ObservationGroupInput;
  readonly files: SubbandArrival[];

  constructor(host: OneHost, input: ObservationGroupInput, files: SubbandArrival[]) {
    this.host = host;
    this.input = input;
    this.files = files;
  }

  get id(): GroupId {
    return this.input.groupId;
  }
  get handle() {
    return this.host.client.workflow.getHandle(workflowIdOfGroup(this.id));
  }

  async announce(file: SubbandArrival): Promise<void> {
    await this.host.client.workflow.signalWithStart(GROUP_WORKFLOW_TYPE, {
      workflowId: workflowIdOfGroup(this.id),
      taskQueue: TASK_QUEUES.pipeline,
      args: [this.input],
      signal: GROUP_SIGNALS.subbandArrived,
      signalArgs: [file],
      priority: { priorityKey: LANE_PRIORITY[this.input.lane] },
    });
  }
  async announceAll(): Promise<void> {
    for (const file of this.files) await this.announce(file);
  }

  status = (): Promise<GroupStatus> => this.handle.query<GroupStatus>('status');

  /** Waits until the status says so; fails with the last status it saw. */
  async until(reached: (status: GroupStatus) => boolean, limitMs = 30_000): Promise<GroupStatus> {
    const deadline = Date.now() + limitMs;
    for (;;) {
      const status = await this.status();
      if (reached(status)) return status;
      if (Date.now() > deadline) throw new Error(`group ${this.id} did not get there; it is ${JSON.stringify(status, null, 1)}`);
      await sleep(50);
    }
  }

  /** Waits until it needs a person and the product database, which follows behind, says so too. */
  async parked(): Promise<GroupStatus> {
    const status = await this.until((now) => now.state === 'needs_attention');
    const deadline = Date.now() + 10_000;
    while (this.host.read<{ state: string }>('SELECT state FROM groups WHERE group_id = ?', this.id)[0]?.state !== 'needs_attention') {
      if (Date.now() > deadline) throw new Error(`the product database does not say that ${this.id} needs attention`);
      await sleep(50);
    }
    return status;
  }
  result = (): Promise<GroupStatus> => this.handle.result();
}

/** `a.b` keys as nested objects, the shape of a configuration file. */
function nested(values: Readonly<Record<string, unknown>>): Record<string, Record<string, unknown>> {
  const tree: Record<string, Record<string, unknown>> = {};
  for (const [key, value] of Object.entries(values)) {
    const [section = '', name = ''] = key.split('.');
    (tree[section] ??= {})[name] = value;
  }
  return tree;
}
