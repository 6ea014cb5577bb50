/**
 * Tells the world about a group: search attributes and details for the Web UI, the projection and attempt rows for the
 * product database. Rows go out in order and in the background, so that no step waits for one; `drain` waits for all.
 */
import { CancellationScope, log, proxyActivities, rootCause, setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import type { CatalogActivities } from '../activities/contract.ts';
import type { GroupProjection, StepAttempt } from '../src/domain/catalog-command.ts';
import { SEARCH_ATTRIBUTES } from '../src/domain/observation-group.ts';
import { catalogOptions } from './activity-options.ts';
import { type GroupMemory, observedAtMs, pointingDecDeg, projectionOf } from './group-memory.ts';

type AttributeName = keyof typeof SEARCH_ATTRIBUTES;
const key = <Name extends AttributeName>(name: Name) => ({ name, type: SEARCH_ATTRIBUTES[name] });

export class Journal {
  readonly #group: GroupMemory;
  #rows: Promise<void> = Promise.resolve();
  /** The newest projection not yet sent. */
  #waiting: { projection: GroupProjection } | null = null;
  #lastAttributes = '';

  constructor(group: GroupMemory) {
    this.#group = group;
  }

  get catalog(): CatalogActivities {
    return proxyActivities<CatalogActivities>(catalogOptions(this.#group.lane));
  }

  /**
   * Call after every change a person could care about. Changes in quick succession share one row, but never two states:
   * the database sees every move from state to state.
   */
  changed(): void {
    this.#group.revision += 1;
    this.#showInWebUi();
    const projection = projectionOf(this.#group);
    if (this.#waiting?.projection.state === projection.state) {
      this.#waiting.projection = projection;
      return;
    }
    const waiting = { projection };
    this.#waiting = waiting;
    this.#append(() => {
      if (this.#waiting === waiting) this.#waiting = null;
      return this.catalog.projectGroup(waiting.projection);
    });
  }

  attempt(row: StepAttempt): void {
    this.#append(() => this.catalog.recordAttempt(row));
  }

  ledger(entry: Parameters<CatalogActivities['closeLedger']>[0]): void {
    this.#append(() => this.catalog.closeLedger(entry));
  }

  audit(entry: Parameters<CatalogActivities['recordAudit']>[0]): void {
    this.#append(() => this.catalog.recordAudit(entry));
  }

  /** All rows so far are in the database when this returns. */
  async drain(): Promise<void> {
    await this.#rows;
  }

  /**
   * A cancelled group still reports: rows are outside every cancellation scope. A row that the catalog refuses for good is a
   * bug of ours: the group goes on and says so in its log and status.
   */
  #append(write: () => Promise<void>): void {
    this.#rows = this.#rows.then(async () => {
      try {
        await CancellationScope.nonCancellable(write);
      } catch (error) {
        const reason = rootCause(error) ?? String(error);
        log.error('the catalog refused a row', { groupId: this.#group.input.groupId, reason });
        this.#group.lastRefusal = { verb: 'record', by: 'catalog', reason };
      }
    });
  }

  #showInWebUi(): void {
    const group = this.#group;
    setCurrentDetails(detailsOf(group));
    const attributes: Parameters<typeof upsertSearchAttributes>[0] = [
      { key: key('ContimgState'), value: group.state },
      { key: key('ContimgStep'), value: group.step },
      { key: key('ContimgLane'), value: group.lane },
      { key: key('ContimgObservedAt'), value: new Date(observedAtMs(group)) },
      { key: key('ContimgDec'), value: pointingDecDeg(group) },
      { key: key('ContimgHost'), value: group.outputs.claimHost?.host ?? null },
      { key: key('ContimgDegraded'), value: group.degraded.size > 0 },
      { key: key('ContimgNeedsAttention'), value: group.state === 'needs_attention' },
    ];
    const asText = JSON.stringify(attributes);
    if (asText === this.#lastAttributes) return;
    this.#lastAttributes = asText;
    upsertSearchAttributes(attributes);
  }
}

/** Markdown for the Web UI: what it does now, what it waits for, what a person can do. */
function detailsOf(group: GroupMemory): string {
  const lines = [`**${group.state}**${group.step === null ? '' : `, step \`${group.step}\``}`];
  if (group.waitingFor !== null) lines.push(`Waits for ${group.waitingFor}.`);
  if (group.nextAutomaticAction !== null) lines.push(`Next by itself: ${group.nextAutomaticAction}.`);
  if (group.degraded.size > 0) lines.push(`Degraded: ${[...group.degraded].join(', ')}.`);
  if (group.failure !== null) lines.push(`${group.failure.code}: ${group.failure.message}`, `Remedy: ${group.failure.remedy}`);
  return lines.join('\n\n');
}
