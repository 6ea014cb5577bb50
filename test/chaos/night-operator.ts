/**
 * Stands for the operator of a night: looks at what needs attention every second and does what a person would: puts strays
 * away, accepts or cancels what lacks subbands, mends what made a step fail and resumes. Asks again when nobody answers.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { groupIdSchema } from '../../src/domain/group-id.ts';
import { connectClient } from '../../src/temporal/connection.ts';
import { TemporalUnreachable, GroupRequestError } from '../../src/temporal/temporal-errors.ts';
import { cancelGroup, resumeGroup } from '../../src/temporal/group-client.ts';
import { lostFiles, MINIMUM_SUBBANDS, type PlannedGroup } from './night-plan.ts';
import type { NightRow } from './night-rows.ts';
import type { WholePipeline } from './whole-pipeline.ts';

const ANSWER_WITHIN_MS = 20_000;
/** A group that only waits for files of a watcher that is down is left alone for this long. */
const PATIENCE_MS = 8_000;
const BY = 'night-operator';

export class NightOperator {
  readonly acts = { resumed: 0, accepted: 0, cancelled: 0 };
  /** Why requests were not answered, and how often. */
  readonly refusals: Record<string, number> = {};
  /** Answers that no operator should get. */
  readonly problems: string[] = [];
  readonly #pipeline: WholePipeline;
  readonly #parkedSince = new Map<string, number>();
  readonly #asking = new Set<string>();
  #client: Client | null = null;

  constructor(pipeline: WholePipeline) {
    this.#pipeline = pipeline;
  }

  /** Before a group is delivered: what makes its science fail, if anything does. */
  prepare(plan: PlannedGroup): void {
    if (plan.science === null) return;
    const failure = { type: 'ToolFailed', code: 'ToldTo', ...(plan.science.until === 'next try' && { times: 1 }) };
    writeFileSync(
      this.#failureOf(plan),
      JSON.stringify(plan.science.until === 'mended' ? { ...failure, type: 'QualityRejected' } : failure),
    );
  }

  /** One look at the parked groups; requests go out beside it. */
  look(rows: readonly NightRow[]): void {
    const parked = rows.filter((row) => row.state === 'needs_attention');
    for (const id of this.#parkedSince.keys()) if (!parked.some((row) => row.group_id === id)) this.#parkedSince.delete(id);
    for (const row of parked) {
      const since = this.#parkedSince.get(row.group_id) ?? Date.now();
      this.#parkedSince.set(row.group_id, since);
      if (this.#asking.has(row.group_id)) continue;
      this.#asking.add(row.group_id);
      void this.#decide(row, Date.now() - since).finally(() => this.#asking.delete(row.group_id));
    }
  }

  async #decide(row: NightRow, parkedForMs: number): Promise<void> {
    const { plan, isStray } = row.expected;
    const isHopeless = lostFiles(plan) > 16 - MINIMUM_SUBBANDS;
    if (row.failed_step !== 'collect') {
      rmSync(this.#failureOf(plan), { force: true });
      // As the remedy of a member that changed says: the members are chosen anew.
      const from = row.error_code === 'MemberChanged' ? ({ from: 'collect' } as const) : {};
      return this.#ask(row, 'resumed', (client, id) => resumeGroup(client, id, { by: BY, reason: 'the cause is mended', ...from }));
    }
    if (isStray || (isHopeless && plan.operator === 'cancels')) {
      return this.#ask(row, 'cancelled', (client, id) => cancelGroup(client, id, { by: BY, reason: 'too few subbands to be of use' }));
    }
    if (isHopeless) {
      const request = { by: BY, reason: 'better than nothing', acknowledgeDegraded: true };
      return this.#ask(row, 'accepted', (client, id) => resumeGroup(client, id, request));
    }
    if (parkedForMs > PATIENCE_MS) {
      return this.#ask(row, 'resumed', (client, id) => resumeGroup(client, id, { by: BY, reason: 'its files are here by now' }));
    }
  }

  async #ask(
    row: NightRow,
    act: 'resumed' | 'accepted' | 'cancelled',
    request: (client: Client, id: Parameters<typeof resumeGroup>[1]) => Promise<unknown>,
  ): Promise<void> {
    try {
      const client = (this.#client ??= await connectClient(this.#pipeline.settings));
      await client.withDeadline(Date.now() + ANSWER_WITHIN_MS, () => request(client, groupIdSchema.parse(row.group_id)));
      this.acts[act] += 1;
    } catch (error) {
      if (!isNoAnswer(error)) this.problems.push(`asked for ${row.group_id}: ${String(error)}`);
      const why = error instanceof GroupRequestError ? error.code : 'no answer';
      this.refusals[why] = (this.refusals[why] ?? 0) + 1;
    }
  }

  async close(): Promise<void> {
    await this.#client?.connection.close();
  }

  #failureOf = (plan: PlannedGroup): string =>
    join(this.#pipeline.folder, `fail-${plan.science?.program ?? 'none'}-${plan.startText}.json`);
}

/** Servers and workers of this night are killed at any moment; whoever asked then asks again. */
const isNoAnswer = (error: unknown): boolean =>
  error instanceof GroupRequestError ||
  error instanceof TemporalUnreachable ||
  /DEADLINE_EXCEEDED|UNAVAILABLE|CANCELLED|deadline|Failed to connect/i.test(String(error));
