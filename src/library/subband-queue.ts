/** The queue as programs read it: groups, counts by state, and the validity of a group's files. Opens the database read-only. */
import { type CatalogDatabase, openForReading } from '../catalog/database.ts';
import { type GroupRow, groupById, listGroups } from '../catalog/groups.ts';
import { resolveGroup } from '../catalog/group-aliases.ts';
import { loadSettings } from '../config/load.ts';
import { GROUP_STATES, type GroupState } from '../domain/group-state.ts';
import { type GroupValidation, validateGroup } from '../ingest/group-validation.ts';

export interface QueueStats {
  total: number;
  byState: Record<GroupState, number>;
}

export class SubbandQueue {
  readonly #database: CatalogDatabase;
  readonly #expected: number;

  /** `dbPath`: the product database, e.g. `state/db/pipeline.sqlite3`. Throws when there is none. */
  constructor(options: { dbPath: string; expectedSubbands?: number }) {
    this.#database = openForReading(options.dbPath);
    this.#expected = options.expectedSubbands ?? loadSettings({}).settings.collecting.expected;
  }

  /** Newest observation first. */
  list(filter: { state?: GroupState; limit?: number } = {}): GroupRow[] {
    return listGroups(this.#database, { state: filter.state, limit: filter.limit ?? 50 }).groups;
  }

  stats(): QueueStats {
    const counts = GROUP_STATES.map((state) => [state, listGroups(this.#database, { state, limit: 0 }).total] as const);
    return { total: counts.reduce((sum, [, count]) => sum + count, 0), byState: countsOf(counts) };
  }

  /** Judges every member as it lies on disk now, by the checks of admission. Accepts the time in a member's file name, too. */
  async validateGroupFiles(groupId: string): Promise<GroupValidation> {
    const resolved = resolveGroup(this.#database, groupId);
    const group = resolved.kind === 'found' ? groupById(this.#database, resolved.groupId) : null;
    if (group === null)
      throw new RangeError(`${groupId} names ${resolved.kind === 'ambiguous' ? 'two groups' : 'no group'} of this database`);
    const { settings } = loadSettings({ flags: [{ key: 'collecting.expected', value: this.#expected, name: 'expectedSubbands' }] });
    return validateGroup(this.#database, group, settings);
  }

  close(): void {
    this.#database.close();
  }
}

function countsOf(counts: readonly (readonly [GroupState, number])[]): Record<GroupState, number> {
  const byState = { collecting: 0, pending: 0, in_progress: 0, needs_attention: 0, completed: 0, failed: 0, cancelled: 0 };
  for (const [state, count] of counts) byState[state] = count;
  return byState;
}
