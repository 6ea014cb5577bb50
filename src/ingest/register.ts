/**
 * Writes what a look at a file has shown into the product database: the group it belongs to by its header, and whether it
 * is the member of its subband, a copy of it, or a rival. One transaction a file; the same file twice changes nothing.
 */
import { createHash } from 'node:crypto';
import { addAlias } from '../catalog/group-aliases.ts';
import { findGroupByKey, issueGroup, keyOfGroup } from '../catalog/groups.ts';
import { type CatalogDatabase, inTransaction } from '../catalog/statement.ts';
import { arrivalOf, fileByPath, filesOfGroup, markFile, type SeenFile, type SubbandFileRow, upsertFile } from '../catalog/subband-files.ts';
import { type GroupId, groupIdFromHeader, groupIdSchema } from '../domain/group-id.ts';
import { supersedes } from '../domain/membership.ts';
import { jdToMjd, unixMsFromSecondText, unixMsToMjd } from '../domain/utc.ts';
import type { FileSignature } from './file-signature.ts';
import type { HeaderFacts } from './header-facts.ts';
import { openGroupsNear } from './known-files.ts';
import { isOutlier, medianOf, nearestGroup } from './name-clock.ts';
import { type Rejection, reasonText } from './rejection.ts';

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
const SAME_TIME_S = 1e-3;
const DEGREES_PER_RADIAN = 180 / Math.PI;
/** A name and its header may lie this far apart (see time-checks.ts). */
const NAME_SEARCH_DAYS = 1.1 / 24;
const NAME_OUTLIER = 'ImplausibleClock: its name lies more than 120 s from the other names of its group';

export function registerAdmitted(database: CatalogDatabase, file: LookedAt, facts: HeaderFacts, expectedSubbands: number): GroupId {
  return inTransaction(database, () => {
    const groupId = groupOf(database, file, facts, expectedSubbands);
    const offsetS = Math.abs(groupT0Jd(database, facts, groupId) - facts.t0Jd) * DAY_S;
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
    settleRivalry(database, groupId, file);
    judgeNames(database, groupId);
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
    return sameSubband(database, gone.group_id, gone.subband)
      .filter((other) => other.path !== path && (other.status === 'duplicate' || other.status === 'superseded'))
      .map((other) => other.path);
  });
}

function groupOf(database: CatalogDatabase, file: LookedAt, facts: HeaderFacts, expectedSubbands: number): GroupId {
  const { t0Jd, decRad, integrationS, integrations } = facts;
  const known = findGroupByKey(database, { t0Jd, decRad, halfIntegrationJd: integrationS / 2 / DAY_S });
  if (known !== null) return known.group_id;
  return issueGroup(database, {
    key: { t0Jd, decRad, integrationS, integrations },
    groupId: groupIdFromHeader(t0Jd, integrationS),
    receivedAt: file.seenAt,
    expectedSubbands,
  });
}

function groupT0Jd(database: CatalogDatabase, facts: HeaderFacts, groupId: GroupId): number {
  const row = findGroupByKey(database, { t0Jd: facts.t0Jd, decRad: facts.decRad, halfIntegrationJd: facts.integrationS / 2 / DAY_S });
  if (row === null) throw new Error(`group ${groupId} has no row though a file was just put into it`);
  return keyOfGroup(row).t0Jd;
}

/** A member whose times lie beside those of its group must not agree with any grid but one shifted as much. */
const shiftedGrid = (gridDigest: string, offsetS: number): string =>
  createHash('sha256')
    .update(`${gridDigest} shifted ${offsetS.toFixed(3)}`)
    .digest('hex');

/** The newest version of each file of this subband. */
function sameSubband(database: CatalogDatabase, groupId: GroupId, subband: number | null): SubbandFileRow[] {
  const newest = new Map<string, SubbandFileRow>();
  for (const row of filesOfGroup(database, groupId)) {
    if (row.subband === subband && row.group_id === groupId) newest.set(row.path, row);
  }
  return [...newest.values()];
}

/** One valid file a subband: the newer of two; the first of two equal ones. */
function settleRivalry(database: CatalogDatabase, groupId: GroupId, file: LookedAt): void {
  const rows = sameSubband(database, groupId, file.subband).filter((row) => row.status === 'valid');
  const candidate = rows.find((row) => row.path === file.path);
  if (candidate === undefined) return;
  for (const held of rows) {
    if (held.path === candidate.path) continue;
    if (supersedes(arrivalOf(candidate), arrivalOf(held))) {
      markFile(database, held.path, 'superseded', `rival: a newer file for the same subband is ${file.path}`);
    } else if (candidate.header_digest === held.header_digest && candidate.bytes === held.bytes) {
      markFile(database, candidate.path, 'duplicate', `the same content as ${held.path}`);
      return;
    } else {
      markFile(database, candidate.path, 'superseded', `rival: a newer file for the same subband is ${held.path}`);
      return;
    }
  }
}

/** Every name of the group is judged again: three early files decide otherwise than sixteen. */
function judgeNames(database: CatalogDatabase, groupId: GroupId): void {
  const members = filesOfGroup(database, groupId).flatMap((row) => {
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
    const medianMs = medianOf(names);
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
