/**
 * When a file may be opened. A file is settled when two looks at least `settleMs` apart find the same signature, or at once
 * when it was renamed into its final name: whoever renames has finished writing. A settled file that cannot be admitted is
 * looked at again after 1, 2, 4 … 60 s until `admissionMs` have passed, then left alone until it changes.
 * Pure: the monotonic time of each look is passed in.
 */
import { type FileSignature, sameSignature } from '../domain/file-signature.ts';

export interface SettlingRule {
  settleMs: number;
  admissionMs: number;
}

const FIRST_BACK_OFF_MS = 1000;
const LONGEST_BACK_OFF_MS = 60_000;

export type Settling = {
  signature: FileSignature;
  /** When this signature was first seen: settling and the admission time count from here. */
  sinceMs: number;
  backOffMs: number;
  /** A look before this time changes nothing. */
  nextLookMs: number;
  /** What the product database says of this signature so far. */
  onRecord: 'nothing' | 'settling' | 'invalid';
};

export type LookVerdict = { kind: 'wait'; state: Settling } | { kind: 'settled'; state: Settling };

export function look(
  before: Settling | null,
  signature: FileSignature,
  nowMs: number,
  wasRenamed: boolean,
  rule: SettlingRule,
): LookVerdict {
  if (before === null || !sameSignature(before.signature, signature)) {
    const state = {
      signature,
      sinceMs: nowMs,
      backOffMs: FIRST_BACK_OFF_MS,
      nextLookMs: nowMs + (wasRenamed ? 0 : rule.settleMs),
      onRecord: 'nothing' as const,
    };
    return { kind: wasRenamed ? 'settled' : 'wait', state };
  }
  return { kind: nowMs >= before.nextLookMs ? 'settled' : 'wait', state: before };
}

/** After an admission that failed as a half-written file would: when to look again, or null when the time is over. */
export function backOff(state: Settling, nowMs: number, rule: SettlingRule): Settling | null {
  if (nowMs - state.sinceMs >= rule.admissionMs) return null;
  return {
    ...state,
    nextLookMs: Math.min(nowMs + state.backOffMs, state.sinceMs + rule.admissionMs),
    onRecord: 'settling',
    backOffMs: Math.min(state.backOffMs * 2, LONGEST_BACK_OFF_MS),
  };
}

/** After the admission time: as rarely as a look ever is. */
export const longestBackOff = (state: Settling, nowMs: number): Settling => ({
  ...state,
  onRecord: 'invalid',
  nextLookMs: nowMs + LONGEST_BACK_OFF_MS,
});
