/**
 * Subbands and their file names. `sb00` holds the highest frequencies. A name is a hint for people and for clock checks;
 * which group a file belongs to is decided by its header alone (src/ingest).
 */
import { unixMsFromSecondText } from './utc.ts';

export const SUBBANDS_PER_GROUP = 16;

export const subbandLabel = (subband: number): string => `sb${String(subband).padStart(2, '0')}`;

/** What a directory entry is, judged by its name only. */
export type NameVerdict =
  | { kind: 'candidate'; subband: number; nameTimeText: string }
  | { kind: 'incomplete' } // still written by the correlator, or left over from a stopped one
  | { kind: 'marked-corrupt'; subband: number | null; nameTimeText: string | null }
  | { kind: 'copy-in-progress' } // rsync's dot name and friends: the rename that ends it is the event
  | { kind: 'foreign' };

const MEMBER = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})_sb(\d{2})\.hdf5$/;
const INCOMPLETE = /_incomplete\.hdf5$/;
const COPY_IN_PROGRESS = /^\.|~$|\.tmp$|\.part$/;

export function judgeName(name: string): NameVerdict {
  if (COPY_IN_PROGRESS.test(name)) return { kind: 'copy-in-progress' };
  if (name.endsWith('.corrupted')) {
    const member = readMember(name.slice(0, -'.corrupted'.length));
    return { kind: 'marked-corrupt', subband: member?.subband ?? null, nameTimeText: member?.nameTimeText ?? null };
  }
  if (INCOMPLETE.test(name)) return { kind: 'incomplete' };
  const member = readMember(name);
  return member === null ? { kind: 'foreign' } : { kind: 'candidate', ...member };
}

function readMember(name: string): { subband: number; nameTimeText: string } | null {
  const [, nameTimeText, digits] = MEMBER.exec(name) ?? [];
  if (nameTimeText === undefined || digits === undefined || unixMsFromSecondText(nameTimeText) === null) return null;
  const subband = Number(digits);
  return subband < SUBBANDS_PER_GROUP ? { subband, nameTimeText } : null;
}
