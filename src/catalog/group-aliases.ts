/**
 * Other names of a group: the time in the name of each member's file, and the id it would have had when that was taken.
 * An alias may fit two groups; then it is ambiguous, and never resolved by guess.
 */
import { z } from 'zod';
import { type GroupId, groupIdSchema } from '../domain/group-id.ts';
import { type CatalogDatabase, rowsOf, runSql } from './statement.ts';

export const groupAliasRow = z.object({ alias: z.string(), group_id: groupIdSchema, source: z.string() });

export type Resolution = { kind: 'found'; groupId: GroupId } | { kind: 'unknown' } | { kind: 'ambiguous'; groupIds: GroupId[] };

/** `source`: the file the alias was read from, or why it exists. The first source of an alias stays. */
export function addAlias(database: CatalogDatabase, row: { alias: string; groupId: GroupId; source: string }): void {
  if (row.alias === row.groupId) return;
  runSql(database, 'INSERT INTO group_aliases (alias, group_id, source) VALUES (:alias, :groupId, :source) ON CONFLICT DO NOTHING', row);
}

/** An id is itself; a name that is also another group's alias still means the group of that id. */
export function resolveGroup(database: CatalogDatabase, idOrAlias: string): Resolution {
  const text = idOrAlias.endsWith('Z') ? idOrAlias.slice(0, -1) : idOrAlias;
  const found = rowsOf(
    database,
    z.object({ group_id: groupIdSchema, rank: z.int() }),
    `SELECT group_id, 0 AS rank FROM groups WHERE group_id = :text
     UNION ALL SELECT group_id, 1 FROM group_aliases WHERE alias = :text ORDER BY 2, 1`,
    { text },
  );
  const [first, ...others] = found;
  if (first === undefined) return { kind: 'unknown' };
  if (first.rank === 0 || others.length === 0) return { kind: 'found', groupId: first.group_id };
  return { kind: 'ambiguous', groupIds: found.map((row) => row.group_id) };
}

export const aliasesOf = (database: CatalogDatabase, groupId: GroupId): z.infer<typeof groupAliasRow>[] =>
  rowsOf(database, groupAliasRow, 'SELECT alias, group_id, source FROM group_aliases WHERE group_id = :groupId ORDER BY alias', {
    groupId,
  });
