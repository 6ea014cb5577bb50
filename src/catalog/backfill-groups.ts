/** What a backfill reads: the groups of a range page by page, and how the ones it started are. Reads only. */
import { z } from 'zod';
import type { BackfillActivities, BackfillGroup } from '../domain/backfill.ts';
import { groupStateSchema } from '../domain/group-state.ts';
import { groupRow, keyOfGroup } from './groups.ts';
import { type CatalogDatabase, rowsOf } from './statement.ts';

const pageRow = groupRow.extend({ files: z.int() });

export const groupsOfRange = (
  database: CatalogDatabase,
  { startAt, endAt, after, limit }: Parameters<BackfillActivities['groupsOfRange']>[0],
): BackfillGroup[] =>
  rowsOf(
    database,
    pageRow,
    `SELECT g.*, (SELECT COUNT(DISTINCT f.subband) FROM subband_files f WHERE f.group_id = g.group_id AND f.status = 'valid') AS files
     FROM groups g WHERE g.group_id >= :start AND g.group_id < :end AND (:after IS NULL OR g.group_id > :after)
     ORDER BY g.group_id LIMIT :limit`,
    // Group ids are the zone-less form of their start: text order is time order.
    { start: startAt.slice(0, 19), end: endAt.slice(0, 19), after, limit },
  ).map((row) => ({ groupId: row.group_id, state: row.state, runNumber: row.run_number, key: keyOfGroup(row), files: row.files }));

const stateRow = z.object({ groupId: z.string(), state: groupStateSchema, runNumber: z.int() });

export const statesOfGroups = (database: CatalogDatabase, groupIds: readonly string[]): z.infer<typeof stateRow>[] =>
  rowsOf(
    database,
    stateRow,
    `SELECT group_id AS groupId, state, run_number AS runNumber FROM groups WHERE group_id IN (SELECT value FROM json_each(:groupIds))`,
    { groupIds: JSON.stringify(groupIds) },
  );
