/**
 * Tells the world about a group: search attributes and details for the Web UI, the projection and attempt rows for the
 * product database. Rows go out in order and in the background, so that no step waits for one; those that gather while the
 * catalog is busy go out together, so that a backlog shrinks by itself. `drain` waits for all.
 */
import { CancellationScope, log, proxyActivities, rootCause, setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import type { CatalogActivities } from '../activities/contract.ts';
import type { JournalRow, StepAttempt } from '../src/domain/catalog-command.ts';
import { SEARCH_ATTRIBUTES } from '../src/domain/observation-group.ts';
import { catalogOptions } from './activity-options.ts';
import { type GroupMemory, observedAtMs, pointingDecDeg, projectionOf } from './group-memory.ts';

type AttributeName = keyof typeof SEARCH_ATTRIBUTES;
const key = <Name extends AttributeName>(name: Name) => ({ name, type: SEARCH_ATTRIBUTES[name] });

export class Journal {
  readonly #group: GroupMemory;
  #sent: Promise<void> = Promise.resolve();
  #unsent: JournalRow[] = [];
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
    const last = this.#unsent.findLast((one) => one.kind === 'projection');
    if (last?.row.state === projection.state) last.row = projection;
    else this.#unsent.push({ kind: 'projection', row: projection });
    this.#send();
  }

  /** Goes out with the change that follows every end of an attempt. */
  attempt(row: StepAttempt): void {
    this.#unsent.push({ kind: 'attempt', row });
  }

  ledger(row: Parameters<CatalogActivities['closeLedger']>[0]): void {
    this.#unsent.push({ kind: 'ledger', row });
    this.#send();
  }

  audit(row: Parameters<CatalogActivities['recordAudit']>[0]): void {
    this.#unsent.push({ kind: 'audit', row });
    this.#send();
  }

  /** All rows so far are in the database when this returns. */
  async drain(): Promise<void> {
    this.#send();
    await this.#sent;
  }

  /**
   * A cancelled group still reports: rows are outside every cancellation scope. A row that the catalog refuses for good is a
   * bug of ours: the group goes on and says so in its log and status.
   */
  #send(): void {
    this.#sent = this.#sent.then(async () => {
      const rows = this.#unsent;
      if (rows.length === 0) return; // they went out with the ones before
      this.#unsent = [];
      try {
        await CancellationScope.nonCancellable(() => this.catalog.recordRows(rows));
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
