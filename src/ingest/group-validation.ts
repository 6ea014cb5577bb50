/**
 * Judges the members of a group again, as they lie on disk now: each by the checks of admission, then against the group's
 * time, declination and grid. Reads only; changes neither files nor rows, so that it can be asked at any time.
 */
import { stat } from 'node:fs/promises';
import { type GroupRow, keyOfGroup, SAME_DECLINATION_RAD } from '../catalog/groups.ts';
import type { CatalogDatabase } from '../catalog/statement.ts';
import { filesOfGroup, type SubbandFileRow } from '../catalog/subband-files.ts';
import type { Settings } from '../config/settings.ts';
import { majorityGrid } from '../domain/membership.ts';
import { judgeName, subbandLabel } from '../domain/subband.ts';
import { systemErrorCode } from '../domain/system-error.ts';
import { admit } from './admission.ts';
import { signatureOf } from '../domain/file-signature.ts';
import type { HeaderFacts } from './header-facts.ts';
import { createHeaderReader, type HeaderReader } from './header-reader.ts';
import { HEADER_DEADLINE_MS } from './ingest.ts';
import { SAME_TIME_S } from './register.ts';

export interface MemberVerdict {
  path: string;
  subband: number | null;
  bytes: number;
  valid: boolean;
  /** Why it is not valid, a sentence each; empty when it is. */
  reasons: string[];
}

export interface GroupValidation {
  groupId: string;
  valid: boolean;
  members: MemberVerdict[];
  missing: number[];
}

const DAY_S = 86_400;

export async function validateGroup(
  database: CatalogDatabase,
  group: GroupRow,
  settings: Pick<Settings, 'site' | 'collecting'>,
): Promise<GroupValidation> {
  const reader = createHeaderReader({ deadlineMs: HEADER_DEADLINE_MS });
  try {
    const looks = [];
    for (const file of newestOf(filesOfGroup(database, group.group_id))) looks.push(await lookAt(file, settings, reader));
    const grid = majorityGrid(looks.flatMap(({ facts }) => (facts === null ? [] : [facts])));
    const members = looks.map(({ verdict, facts }) => withGroup(verdict, facts, group, grid));
    const present = new Set(members.filter(({ valid }) => valid).map(({ subband }) => subband));
    const missing = Array.from({ length: settings.collecting.expected }, (_, subband) => subband).filter(
      (subband) => !present.has(subband),
    );
    return { groupId: group.group_id, valid: members.length > 0 && members.every(({ valid }) => valid), members, missing };
  } finally {
    await reader.close();
  }
}

/** The file as it is now; copies and rivals that lost their subband are no members. */
function newestOf(rows: readonly SubbandFileRow[]): SubbandFileRow[] {
  const members = rows.filter(({ status }) => status !== 'duplicate' && status !== 'superseded');
  return [...new Map(members.map((row) => [row.path, row])).values()];
}

interface Look {
  verdict: MemberVerdict;
  /** Null when the header could not be read. */
  facts: HeaderFacts | null;
}

async function lookAt(file: SubbandFileRow, settings: Pick<Settings, 'site'>, reader: HeaderReader): Promise<Look> {
  const { path } = file;
  const name = judgeName(path.slice(path.lastIndexOf('/') + 1));
  const refused = (bytes: number, ...reasons: string[]): Look => ({
    verdict: { path, subband: file.subband, bytes, valid: false, reasons },
    facts: null,
  });
  let signature;
  try {
    signature = signatureOf(await stat(path, { bigint: true }));
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === null) throw error;
    return refused(file.bytes, code === 'ENOENT' ? 'Missing: the file is no longer there' : `Unreadable: ${code}`);
  }
  if (name.kind !== 'candidate') return refused(signature.bytes, 'MarkedCorrupt: its name says so');
  const { subband, nameTimeText } = name;
  const admission = await admit(path, signature, { subband, nameTimeText }, settings.site, reader);
  if (admission.kind === 'changed') return refused(signature.bytes, 'NotSettled: it changed while it was read');
  if (admission.kind === 'rejected') {
    const { code, message, remedy } = admission.rejection;
    return refused(signature.bytes, `${code}: ${message}. ${remedy}`);
  }
  const reasons: string[] = [];
  if (signature.bytes !== file.bytes) reasons.push(`Size: it has ${signature.bytes} bytes, ${file.bytes} when it was admitted`);
  else if (admission.facts.headerDigest !== file.header_digest && file.status === 'valid') {
    reasons.push('Content: it is not the file that was admitted');
  }
  // A verdict over the whole group, e.g. of a name far from the others, stands.
  if (file.status === 'invalid') reasons.push(file.reason ?? 'refused at admission');
  return { verdict: { path, subband, bytes: signature.bytes, valid: reasons.length === 0, reasons }, facts: admission.facts };
}

function withGroup(verdict: MemberVerdict, facts: HeaderFacts | null, group: GroupRow, grid: string | null): MemberVerdict {
  if (facts === null) return verdict;
  const key = keyOfGroup(group);
  const reasons = [...verdict.reasons];
  const offsetS = (facts.t0Jd - key.t0Jd) * DAY_S;
  if (Math.abs(offsetS) > SAME_TIME_S) reasons.push(`Times: it starts ${offsetS.toFixed(3)} s off its group`);
  const offsetRad = facts.decRad - key.decRad;
  if (Math.abs(offsetRad) > SAME_DECLINATION_RAD) {
    reasons.push(`Declination: it points ${((offsetRad * 180) / Math.PI).toFixed(6)}° off its group`);
  }
  if (facts.gridDigest !== grid)
    reasons.push('Grid: its integration time, baselines, products or antenna positions differ from most members');
  return { ...verdict, valid: reasons.length === 0, reasons };
}

/** In words, one line a subband. */
export const validationLines = ({ members, missing }: GroupValidation): string[] => [
  ...members.map(({ path, subband, valid, reasons }) => {
    const label = subband === null ? '????' : subbandLabel(subband);
    return valid ? `${label}  valid    ${path}` : `${label}  invalid  ${path}: ${reasons.join('; ')}`;
  }),
  ...missing
    .filter((subband) => !members.some((member) => member.subband === subband))
    .map((subband) => `${subbandLabel(subband)}  absent`),
];
