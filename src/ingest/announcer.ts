/**
 * Tells workflows of admitted files, the waiting files of a group in one call. What could not be told stays unannounced in the
 * product database and is told at the next round: nothing is lost while Temporal is away, and a workflow that hears of a file
 * twice takes it for the same.
 */
import { groupById } from '../catalog/groups.ts';
import { completenessOfGroup } from '../catalog/ms-index.ts';
import type { CatalogDatabase } from '../catalog/statement.ts';
import { arrivalOf, countUnannounced, markAnnounced, markFile, type SubbandFileRow, unannounced } from '../catalog/subband-files.ts';
import type { Settings } from '../config/settings.ts';
import type { SubbandArrival } from '../domain/arrival.ts';
import type { GroupId } from '../domain/group-id.ts';
import type { ObservationGroupInput } from '../domain/observation-group.ts';
import { isoFromUnixMs } from '../domain/utc.ts';
import { planAnnouncement } from './announcement.ts';
import type { IngestLog } from './intake.ts';

/**
 * `told`: the workflow has the files. `closed`: the run just ended and its outcome is not on record yet; ask again later.
 * With `afterClosedRun` a new run may follow a closed one.
 */
export type Announce = (
  groupId: GroupId,
  input: ObservationGroupInput,
  arrivals: readonly [SubbandArrival, ...SubbandArrival[]],
  options: { afterClosedRun: boolean },
) => Promise<'told' | 'closed'>;

interface Counts {
  announced: number;
  late: number;
  waiting: number;
}

export interface Announcer {
  /** False after a failed round, until one succeeds. */
  isReachable(): boolean;
  /** Never rejects for an unreachable Temporal: it says so once and answers how many files still wait. */
  announceAll(): Promise<Counts>;
}

/** What is held in memory at once. */
const FILES_A_PAGE = 5_000;

export function createAnnouncer(use: {
  database: CatalogDatabase;
  settings: Settings;
  announce: Announce;
  nowMs: () => number;
  log: IngestLog;
}): Announcer {
  let reachable = true;

  /** The first of a group's files, and those after it that go the same way. Answers what became of how many. */
  async function announceSome(row: SubbandFileRow, others: readonly SubbandFileRow[]): Promise<[keyof Counts, number]> {
    const group = row.group_id === null ? null : groupById(use.database, row.group_id);
    if (group === null) throw new Error(`${row.path} is valid but belongs to no group`);
    const set = group.state === 'completed' ? completenessOfGroup(use.database, group.group_id) : null;
    const plan = planAnnouncement(group, set, arrivalOf(row), use.settings);
    if (plan.kind === 'late') {
      markFile(use.database, row.path, 'valid', plan.reason);
      markAnnounced(use.database, row.id, isoFromUnixMs(use.nowMs()));
      return ['late', 1];
    }
    // A file that starts a closed group again goes alone: it is the reason of that run. To an open group all are news.
    const together = plan.afterClosedRun ? [] : others;
    const { afterClosedRun, input } = plan;
    const answer = await use.announce(group.group_id, input, [arrivalOf(row), ...together.map(arrivalOf)], { afterClosedRun });
    if (answer === 'closed') return ['waiting', 1 + together.length];
    for (const { id } of [row, ...together]) markAnnounced(use.database, id, isoFromUnixMs(use.nowMs()));
    return ['announced', 1 + together.length];
  }

  async function announceGroup(rows: readonly SubbandFileRow[], counts: Counts): Promise<void> {
    const [row, ...others] = rows;
    if (row === undefined) return;
    const [outcome, files] = await announceSome(row, others);
    counts[outcome] += files;
    await announceGroup(rows.slice(files), counts);
  }

  async function announcePage(rows: readonly SubbandFileRow[], counts: Counts): Promise<void> {
    for (const ofGroup of Map.groupBy(rows, (row) => row.group_id).values()) await announceGroup(ofGroup, counts);
  }

  async function round(): Promise<Counts> {
    const counts: Counts = { announced: 0, late: 0, waiting: 0 };
    try {
      for (let afterId = 0; ; ) {
        const rows = unannounced(use.database, { afterId, limit: FILES_A_PAGE });
        const last = rows.at(-1);
        if (last === undefined) break;
        await announcePage(rows, counts);
        afterId = last.id;
      }
    } catch (error) {
      const waiting = countUnannounced(use.database);
      if (reachable) {
        const cause = error instanceof Error ? error.message : String(error);
        use.log.warn({ waiting }, `files cannot be announced; they wait and are told later: ${cause}`);
      }
      reachable = false;
      return { ...counts, waiting };
    }
    const told = counts.announced + counts.late + counts.waiting > 0;
    if (!reachable && told) use.log.info({ announced: counts.announced }, 'files are announced again');
    if (told) reachable = true;
    return counts;
  }

  return { announceAll: round, isReachable: () => reachable };
}
