/**
 * The closed set of reasons for which a raw file is not taken, each with what an operator can do about it.
 * A rejection is a value, not an exception: every one ends as a row that people can read. It says whether the file may only
 * be half-written, in which case admission looks again until its time is over.
 */
export const REJECTION_CODES = [
  'EmptyFile',
  'NotHdf5',
  'Truncated',
  'Unreadable',
  'UnsafePath',
  'HeaderTimeout',
  'HeaderTooLarge',
  'MissingDataset',
  'BadType',
  'BadShape',
  'BadTimes',
  'ImplausibleClock',
  'BadFrequencies',
  'BadPointing',
  'UnknownPhaseCentre',
  'BadAntennas',
  'ForeignSite',
  'MarkedCorrupt',
] as const;
export type RejectionCode = (typeof REJECTION_CODES)[number];

export interface Rejection {
  code: RejectionCode;
  /** What was found and what was expected. */
  message: string;
  /** What a person can do next. */
  remedy: string;
  /** A file that is still being written can look like this: look again until the admission time is over. */
  mayBeHalfWritten: boolean;
}

const COPY_AGAIN = 'Copy the file again from the correlator node, which keeps it until its own clean-up.';
const SEND_HEADER = 'The file is damaged or of a new format: report it with the text above and a sample of the file.';

const REMEDIES: Readonly<Record<RejectionCode, string>> = {
  EmptyFile: `${COPY_AGAIN} Without it the group goes on degraded at its deadline.`,
  NotHdf5: `${COPY_AGAIN} If it happens again, check the disk it lies on.`,
  Truncated: COPY_AGAIN,
  Unreadable: 'Make the file readable for the pipeline’s user, or check the disk; then it is looked at again by itself.',
  UnsafePath: 'Move a regular file with a plain name into the input directory; this one is never opened.',
  HeaderTimeout: `${COPY_AGAIN} Keep a sample for the report: it is not tried again until it changes.`,
  HeaderTooLarge: `${COPY_AGAIN} Keep a sample for the report: it is not tried again until it changes.`,
  MissingDataset: SEND_HEADER,
  BadType: SEND_HEADER,
  BadShape: SEND_HEADER,
  BadTimes: 'Restart the writer process of that correlator node; data with these times cannot be used.',
  ImplausibleClock: 'Restart the correlator: the writer of that node was started alone and its data cannot be labelled.',
  BadFrequencies: 'Correct the node table of the correlator; a file is never re-labelled here.',
  BadPointing: 'Check the pointing monitor of the correlator.',
  UnknownPhaseCentre: 'Only a converter written for this kind of phasing may read the file.',
  BadAntennas: 'Check the station table of the correlator.',
  ForeignSite: 'The file is of another telescope, or its header is damaged; otherwise correct the site in the configuration.',
  MarkedCorrupt: 'Somebody renamed the file to say that it is bad; a good copy under its usual name takes its place.',
};

const MAY_BE_HALF_WRITTEN: ReadonlySet<RejectionCode> = new Set([
  'EmptyFile',
  'NotHdf5',
  'Truncated',
  'Unreadable',
  'MissingDataset',
  'BadType',
  'BadShape',
]);

export function rejection(code: RejectionCode, message: string, mayBeHalfWritten = MAY_BE_HALF_WRITTEN.has(code)): Rejection {
  return { code, message, remedy: REMEDIES[code], mayBeHalfWritten };
}

/** Thrown inside a header read to leave it at the first fault; never leaves the worker thread. */
export class HeaderRefused extends Error {
  override readonly name = 'HeaderRefused';
  readonly rejection: Rejection;
  constructor(refused: Rejection) {
    super(`${refused.code}: ${refused.message}`);
    this.rejection = refused;
  }
}

export function refuse(code: RejectionCode, message: string, mayBeHalfWritten?: boolean): never {
  throw new HeaderRefused(rejection(code, message, mayBeHalfWritten));
}

export const reasonText = (refused: Rejection): string => `${refused.code}: ${refused.message}`;

/** What to do about a reason on record; null for one that is no refusal of the file itself, such as `late`. */
export function remedyOfReason(reason: string): string | null {
  const code = REJECTION_CODES.find((known) => reason.startsWith(`${known}:`));
  return code === undefined ? null : REMEDIES[code];
}
