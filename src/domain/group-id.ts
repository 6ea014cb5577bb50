/**
 * The name of one observation group: the header start of its founding file, to the nearest UTC second.
 * Issued once at admission (src/ingest), immutable afterwards. Workflow ids, folders and file names derive from it here
 * and nowhere else.
 */
import { z } from 'zod';
import { jdToUnixMs, secondTextFromUnixMs, unixMsFromSecondText } from './utc.ts';

export const groupIdSchema = z
  .string()
  .refine((text) => unixMsFromSecondText(text) !== null, 'a group id looks like 2025-10-02T00:05:18 (UTC)')
  .brand<'GroupId'>();
export type GroupId = z.infer<typeof groupIdSchema>;

/** Half an integration before the middle of the first one: when the group's data begin. */
export function groupIdFromHeader(firstIntegrationMiddleJd: number, integrationS: number): GroupId {
  return groupIdSchema.parse(secondTextFromUnixMs(jdToUnixMs(firstIntegrationMiddleJd) - (integrationS * 1000) / 2));
}

/** The next free second, for the rare case that another key already holds the id. */
export function nextGroupId(id: GroupId): GroupId {
  const unixMs = unixMsFromSecondText(id);
  if (unixMs === null) throw new RangeError(`not a group id: ${id}`);
  return groupIdSchema.parse(secondTextFromUnixMs(unixMs + 1000));
}

export const workflowIdOfGroup = (id: GroupId): string => `group/${id}`;
/** `YYYY-MM-DD`, the folder products of this group are filed under. */
export const dateFolderOfGroup = (id: GroupId): string => id.slice(0, 10);
