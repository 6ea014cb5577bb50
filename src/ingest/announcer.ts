/**
 * Tells workflows of admitted files. What could not be told stays unannounced in the product database and is told at the next
 * round: nothing is lost while Temporal is away, and a workflow that hears of a file twice takes it for the same.
 */
import { groupById } from '../catalog/groups.ts';
import type { CatalogDatabase } from '../catalog/statement.ts';
import { arrivalOf, markAnnounced, markFile, type SubbandFileRow, unannounced } from '../catalog/subband-files.ts';
import type { Settings } from '../config/settings.ts';
import type { SubbandArrival } from '../domain/arrival.ts';
import type { GroupId } from '../domain/group-id.ts';
import type { ObservationGroupInput } from '../domain/observation-group.ts';
import { isoFromUnixMs } from '../domain/utc.ts';
import { planAnnouncement } from './announcement.ts';
import type { IngestLog } from './intake.ts';

/**
 * `told`: the workflow has the file. `closed`: the run just ended and its outcome is not on record yet; ask again later.
 * With `afterClosedRun` a new run may follow a closed one.
 */
export type Announce = (
  groupId: GroupId,
  input: ObservationGroupInput,
  arrival: SubbandArrival,
  options: { afterClosedRun: boolean },
) => Promise<'told' | 'closed'>;

export interface Announcer {
  /** False after a failed round, until one succeeds. */
  isReachable(): boolean;
  /** Never rejects for an unreachable Temporal: it says so once and answers how many files still wait. */
  announceAll(): Promise<{ announced: number; late: number; waiting: number }>;
}

export function createAnnouncer(use: {
  database: CatalogDatabase;
  settings: Settings;
  announce: Announce;
  nowMs: () => number;
  log: IngestLog;
}): Announcer {
  let reachable = true;

  async function announceOne(row: SubbandFileRow): Promise<'told' | 'late' | 'closed'> {
    const group = row.group_id === null ? null : groupById(use.database, row.group_id);
    if (group === null) throw new Error(`${row.path} is valid but belongs to no group`);
    const arrival = arrivalOf(row);
    const plan = planAnnouncement(group, arrival, use.settings);
    if (plan.kind === 'late') {
      markFile(use.database, row.path, 'valid', plan.reason);
    } else {
      const answer = await use.announce(group.group_id, plan.input, arrival, { afterClosedRun: plan.afterClosedRun });
      if (answer === 'closed') return answer;
    }
    markAnnounced(use.database, row.id, isoFromUnixMs(use.nowMs()));
    return plan.kind === 'late' ? 'late' : 'told';
  }

  async function round(): Promise<{ announced: number; late: number; waiting: number }> {
    const rows = unannounced(use.database);
    const counts = { announced: 0, late: 0, waiting: 0 };
    for (const [index, row] of rows.entries()) {
      try {
        const answer = await announceOne(row);
        if (answer === 'told') counts.announced += 1;
        else if (answer === 'late') counts.late += 1;
        else counts.waiting += 1;
      } catch (error) {
        if (reachable) {
          const cause = error instanceof Error ? error.message : String(error);
          use.log.warn({ waiting: rows.length - index }, `files cannot be announced; they wait and are told later: ${cause}`);
        }
        reachable = false;
        return { ...counts, waiting: counts.waiting + rows.length - index };
      }
    }
    if (!reachable && rows.length > 0) use.log.info({ announced: counts.announced }, 'files are announced again');
    if (rows.length > 0) reachable = true;
    return counts;
  }

  return { announceAll: round, isReachable: () => reachable };
}
