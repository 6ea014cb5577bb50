/**
 * What can go wrong with Temporal, as errors with a remedy. Apart from the code that meets them, so that a command can know
 * them without loading Temporal.
 */

/** The schema of an existing database file belongs to exactly this one. */
export const TEMPORAL_CLI_VERSION = '1.9.1';

export class TemporalCliMissing extends Error {
  override readonly name = 'TemporalCliMissing';
  readonly remedy = `run \`make setup\`, or put the official temporal ${TEMPORAL_CLI_VERSION} on the PATH`;
}

export class TemporalUnreachable extends Error {
  override readonly name = 'TemporalUnreachable';
  readonly remedy: string;
  constructor(address: string, cause: unknown) {
    super(`Temporal does not answer on ${address}`, { cause });
    this.remedy = 'start `contimg up`, or name a running server with --temporal-address';
  }
}

export const GROUP_REQUEST_CODES = [
  'unknown_group',
  'not_waiting',
  'already_completed',
  'invalid_step',
  'invalid_parameters',
  'invalid_request',
  'worker_unavailable',
  'temporal_unreachable',
] as const;
export type GroupRequestCode = (typeof GROUP_REQUEST_CODES)[number];

export class GroupRequestError extends Error {
  override readonly name = 'GroupRequestError';
  readonly code: GroupRequestCode;
  readonly remedy: string;
  constructor(code: GroupRequestCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
    this.remedy = REMEDIES[code];
  }
}

const REMEDIES: Readonly<Record<GroupRequestCode, string>> = {
  unknown_group: 'see `contimg group ls` for the groups there are',
  not_waiting: 'look at its state with `contimg group show`; a group is resumed only in needs_attention',
  already_completed: 'look at its state with `contimg group show`; only an open group can be cancelled',
  invalid_step: 'choose the failed step or an earlier one',
  invalid_parameters: 'correct the parameter it names',
  invalid_request: 'correct the field it names',
  worker_unavailable: 'start one with `contimg worker`',
  temporal_unreachable: 'start `contimg up`, or name a running server with --temporal-address',
};
