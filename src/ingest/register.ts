/**
 * Writes what a look at a file has shown into the product database: the group it belongs to by its header, and whether it
 * is the member of its subband, a copy of it, or a rival. One transaction a file; the same file twice changes nothing.
 */
import { createHash } from 'node:crypto';
import { addAlias } from '../catalog/group-aliases.ts';
import { findGroupByKey, issueGroup, keyOfGroup } from '../catalog/groups.ts';
import { type CatalogDatabase, inTransaction } from '../catalog/statement.ts';
import { fileByPath, filesOfGroup, markFile, REPLACED, type SeenFile, type SubbandFileRow, upsertFile } from '../catalog/subband-files.ts';
import { type GroupId, groupIdFromHeader, groupIdSchema } from '../domain/group-id.ts';
import { jdToMjd, unixMsFromSecondText, unixMsToMjd } from '../domain/utc.ts';
import type { FileSignature } from '../domain/file-signature.ts';
import type { HeaderFacts } from './header-facts.ts';
import { openGroupsNear } from './known-files.ts';
import { isOutlier, lowerMedian, nearestGroup } from './name-clock.ts';
import { type Rejection, reasonText } from './rejection.ts';
import { judgeRivals } from './rivalry.ts';

export interface LookedAt {
  path: string;
  signature: FileSignature;
  subband: number | null;
  nameTimeText: string | null;
  /** RFC 3339 with Z. */
  seenAt: string;
}

const DAY_S = 86_400;
/** Times of members agree to this, or the file is another grid. */
export const SAME_TIME_S = 1e-3;
const DEGREES_PER_RADIAN = 180 / Math.PI;
/** A name and its header may lie this far apart (see time-checks.ts). */
const NAME_SEARCH_DAYS = 1.1 / 24;
const NAME_OUTLIER = 'ImplausibleClock: its name lies more than 120 s from the other names of its group';

export function registerAdmitted(database: CatalogDatabase, file: LookedAt, facts: HeaderFacts, expectedSubbands: number): GroupId {
  return inTransaction(database, () => {
    const { groupId, t0Jd } = groupOf(database, file, facts, expectedSubbands);
    const offsetS = Math.abs(t0Jd - facts.t0Jd) * DAY_S;
    upsertFile(database, {
      ...seen(file, 'valid', null),
      groupId,
      headerT0Mjd: jdToMjd(facts.t0Jd),
      decDeg: facts.decRad * DEGREES_PER_RADIAN,
      integrations: facts.integrations,
      headerDigest: facts.headerDigest,
      gridDigest: offsetS <= SAME_TIME_S ? facts.gridDigest : shiftedGrid(facts.gridDigest, offsetS),
    });
    if (file.nameTimeText !== null) addAlias(database, { alias: file.nameTimeText, groupId, source: file.path });
    const rows = filesOfGroup(database, groupId);
    const isRival = settleRivalry(database, sameSubband(rows, groupId, file.subband), file);
    judgeNames(database, groupId, isRival ? filesOfGroup(database, groupId) : rows);
    return groupId;
  });
}

export function registerRejected(database: CatalogDatabase, file: LookedAt, rejected: Rejection, status: 'settling' | 'invalid'): void {
  inTransaction(database, () => {
    upsertFile(database, {
      ...seen(file, status, reasonText(rejected)),
      shownWithGroupId: shownWith(database, file.nameTimeText),
    });
  });
}

/** The file is gone. Answers the files that may take its place and should be looked at again. */
export function registerMissing(database: CatalogDatabase, path: string): string[] {
  return inTransaction(database, () => {
    const gone = fileByPath(database, path);
    if (gone === null || gone.status === 'missing') return [];
    markFile(database, path, 'missing', 'the file is no longer there');
    if (gone.status !== 'valid' || gone.group_id === null) return [];
    return sameSubband(filesOfGroup(database, gone.group_id), gone.group_id, gone.subband)
      .filter((other) => other.path !== path && (other.status === 'duplicate' || other.status === 'superseded'))
      .map((other) => other.path);
  });
}

/** The group of a header, founded if need be, and the time it was founded with. */
function groupOf(
  database: CatalogDatabase,
  file: LookedAt,
  facts: HeaderFacts,
  expectedSubbands: number,
): { groupId: GroupId; t0Jd: number } {
  const { t0Jd, decRad, integrationS, integrations } = facts;
  const known = findGroupByKey(database, { t0Jd, decRad, halfIntegrationJd: integrationS / 2 / DAY_S });
  if (known !== null) return { groupId: known.group_id, t0Jd: keyOfGroup(known).t0Jd };
  const groupId = issueGroup(database, {
    key: { t0Jd, decRad, integrationS, integrations },
    groupId: groupIdFromHeader(t0Jd, integrationS),
    receivedAt: file.seenAt,
    expectedSubbands,
  });
  return { groupId, t0Jd };
}

/** A member whose times lie beside those of its group must not agree with any grid but one shifted as much. */
const shiftedGrid = (gridDigest: string, offsetS: number): string =>
  createHash('sha256')
    .update(`${gridDigest} shifted ${offsetS.toFixed(3)}`)
    .digest('hex');

/** The files of this subband as they are on disk now. */
const sameSubband = (rows: readonly SubbandFileRow[], groupId: GroupId, subband: number | null): SubbandFileRow[] =>
  rows.filter((row) => row.subband === subband && row.group_id === groupId && row.reason !== REPLACED);

/** One valid file a subband. Answers whether there were two. */
function settleRivalry(database: CatalogDatabase, files: readonly SubbandFileRow[], file: LookedAt): boolean {
  if (files.length < 2) return false;
  for (const { path, status, reason } of judgeRivals(files, file.path)) markFile(database, path, status, reason);
  return true;
}

/** Every name of the group is judged again: three early files decide otherwise than sixteen. */
function judgeNames(database: CatalogDatabase, groupId: GroupId, rows: readonly SubbandFileRow[]): void {
  const members = rows.flatMap((row) => {
    const nameMs = row.name_time_text === null ? null : unixMsFromSecondText(row.name_time_text);
    const counts = row.group_id === groupId && (row.status === 'valid' || (row.status === 'invalid' && row.reason === NAME_OUTLIER));
    return counts && nameMs !== null ? [{ row, nameMs }] : [];
  });
  const apart = isOutlier(members.map(({ nameMs }) => nameMs));
  for (const { row, nameMs } of members) {
    if (apart(nameMs) && row.status === 'valid') markFile(database, row.path, 'invalid', NAME_OUTLIER);
    if (!apart(nameMs) && row.status === 'invalid') markFile(database, row.path, 'valid', null);
  }
}

function shownWith(database: CatalogDatabase, nameTimeText: string | null): GroupId | null {
  const nameMs = nameTimeText === null ? null : unixMsFromSecondText(nameTimeText);
  if (nameMs === null) return null;
  const groups = openGroupsNear(database, unixMsToMjd(nameMs), NAME_SEARCH_DAYS).flatMap((groupId) => {
    const names = filesOfGroup(database, groupId).flatMap((row) => {
      const memberMs = row.status === 'valid' && row.name_time_text !== null ? unixMsFromSecondText(row.name_time_text) : null;
      return memberMs === null ? [] : [memberMs];
    });
    const medianMs = lowerMedian(names);
    return medianMs === null ? [] : [{ id: groupIdSchema.parse(groupId), medianMs }];
  });
  return nearestGroup(groups, nameMs);
}

const seen = (file: LookedAt, status: SeenFile['status'], reason: string | null): SeenFile => ({
  path: file.path,
  subband: file.subband,
  status,
  reason,
  ...file.signature,
  groupId: null,
  shownWithGroupId: null,
  nameTimeText: file.nameTimeText,
  headerT0Mjd: null,
  decDeg: null,
  integrations: null,
  headerDigest: null,
  gridDigest: null,
  seenAt: file.seenAt,
});
