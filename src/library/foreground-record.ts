/**
 * What the product database is told of a group that is processed in the foreground: the same projection, attempts, product
 * and ledger row that the group's workflow would have written, through the same commands. A run counts like any other:
 * what comes after it supersedes it.
 */
import { randomUUID } from 'node:crypto';
import { stepFailureOf } from '../../activities/supervised.ts';
import type { GroupRow } from '../catalog/groups.ts';
import { keyOfGroup } from '../catalog/groups.ts';
import { reasonsOf } from '../domain/degradation.ts';
import type { CatalogActivities, GroupProjection } from '../domain/catalog-command.ts';
import type { StepFailure } from '../domain/failure.ts';
import type { GroupState } from '../domain/group-state.ts';
import { parametersDigest } from '../domain/parameters-digest.ts';
import type { StepName } from '../domain/step.ts';
import type { StepParameters } from '../domain/step-parameters.ts';
import type { AttemptName, Measured } from '../domain/step-output.ts';

/** Attempts failed for good carry the failure in the closed set. */
export class StepFailed extends Error {
  override readonly name = 'StepFailed';
  readonly failure: StepFailure;
  constructor(failure: StepFailure, cause: unknown) {
    super(failure.message, { cause });
    this.failure = failure;
  }
}

export class ForegroundRecord {
  readonly run: { groupId: GroupRow['group_id']; runId: string; runNumber: number };
  readonly #catalog: CatalogActivities;
  readonly #projection: GroupProjection;

  constructor(catalog: CatalogActivities, group: GroupRow, order: { host: string; present: number[]; missing: number[] }) {
    this.run = { groupId: group.group_id, runId: `foreground-${randomUUID()}`, runNumber: group.run_number + 1 };
    this.#catalog = catalog;
    this.#projection = {
      ...this.run,
      workflowId: group.workflow_id,
      revision: 0,
      state: 'in_progress',
      processingStage: 'processing_fresh',
      step: null,
      lane: 'ondemand',
      host: order.host,
      expectedSubbands: group.expected_subbands,
      presentSubbands: order.present,
      degradedReasons: reasonsOf({ subbands: order.missing, short: [] }),
      waitingFor: null,
      failure: null,
      failedStep: null,
      hasCalibrator: null,
      key: keyOfGroup(group),
      receivedAt: group.received_at,
      completedAt: null,
    };
  }

  async changed(changes: Partial<GroupProjection>): Promise<void> {
    Object.assign(this.#projection, changes, { revision: this.#projection.revision + 1 });
    await this.#catalog.projectGroup(this.#projection);
  }

  /** Runs one step once and records the attempt; what it throws but for the signal's reason is a StepFailed. */
  async attempt<Output, Step extends StepName & AttemptName['step']>(
    step: Step,
    parameters: StepParameters[Step],
    signal: AbortSignal,
    work: (attempt: AttemptName) => Promise<Measured<Output>>,
  ): Promise<Measured<Output>> {
    await this.changed({ step });
    const startedAt = new Date().toISOString();
    const record = (outcome: 'done' | 'failed' | 'cancelled', note: string | null, failure: StepFailure | null, cost?: Measured<Output>) =>
      this.#catalog.recordAttempt({
        groupId: this.run.groupId,
        runId: this.run.runId,
        step,
        attempt: 1,
        host: this.#projection.host,
        startedAt,
        endedAt: new Date().toISOString(),
        outcome,
        note,
        failure,
        parametersDigest: parametersDigest(parameters),
        resources: cost?.resources ?? null,
        bytesRead: cost?.bytesRead ?? null,
        bytesWritten: cost?.bytesWritten ?? null,
        timingsS: cost?.timingsS ?? null,
      });
    try {
      signal.throwIfAborted();
      const measured = await work({ ...this.run, step, attempt: 1 });
      await record('done', measured.note, null, measured);
      return measured;
    } catch (error) {
      if (signal.aborted) {
        await record('cancelled', 'stopped', null);
        throw error;
      }
      const failure = stepFailureOf(error);
      await record('failed', failure.message, failure);
      throw new StepFailed(failure, error);
    }
  }

  async completed(calibrator: string | null): Promise<void> {
    const { degradedReasons } = this.#projection;
    await this.changed({ state: 'completed', step: null, hasCalibrator: calibrator, completedAt: new Date().toISOString() });
    const outcome = degradedReasons.length === 0 ? 'done' : 'degraded';
    await this.#ledger(outcome, degradedReasons.length === 0 ? 'converted in the foreground' : degradedReasons.join(', '));
  }

  async failed(failure: StepFailure): Promise<void> {
    await this.changed({ state: 'failed', failure, failedStep: this.#projection.step });
    await this.#ledger('skipped', failure.message);
  }

  /** The group is as it was: the next conversion, or a pipeline, takes it up. */
  async stopped(reason: string): Promise<void> {
    const state: GroupState = 'pending';
    await this.changed({ state, step: null, waitingFor: `someone to go on: ${reason}` });
    await this.#ledger('pending', reason);
  }

  #ledger(outcome: 'done' | 'degraded' | 'skipped' | 'pending', reason: string): Promise<void> {
    return this.#catalog.closeLedger({ groupId: this.run.groupId, outcome, reason });
  }
}
