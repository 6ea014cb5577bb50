/**
 * Why a group is in its state, what happens next by itself and what a person can do, in sentences: one wording for the
 * dashboard, the API and the command line. Pure: facts in, words out.
 */
import type { StepFailure } from './failure.ts';
import { type GroupState, isOpen } from './group-state.ts';
import type { StepName } from './step.ts';
import { subbandLabel } from './subband.ts';

export interface GroupFacts {
  groupId: string;
  state: GroupState;
  step: StepName | null;
  presentSubbands: readonly number[];
  expectedSubbands: number;
  degradedReasons: readonly string[];
  waitingFor: string | null;
  failedStep: StepName | null;
  failure: Pick<StepFailure, 'type' | 'code' | 'message' | 'remedy'> | null;
  ledgerReason: string | null;
}

export interface Explanation {
  sentences: string[];
  /** What happens without a person; null: nothing does. */
  nextAutomaticAction: string | null;
}

export function explainGroup(group: GroupFacts): Explanation {
  const waiting = group.waitingFor === null ? [] : [`It waits for ${group.waitingFor}.`];
  const degraded =
    group.degradedReasons.length === 0
      ? []
      : [`Its products are degraded: ${group.degradedReasons.map((reason) => reason.replaceAll('_', ' ')).join(', ')}.`];
  const failure = group.failure === null ? [] : [`${group.failure.code}: ${group.failure.message}`, group.failure.remedy];
  const { sentences, nextAutomaticAction } = ofState(group, failure);
  return { sentences: [...sentences, ...(isOpen(group.state) ? waiting : []), ...degraded], nextAutomaticAction };
}

function ofState(group: GroupFacts, failure: string[]): Explanation {
  switch (group.state) {
    case 'collecting':
      return {
        sentences: [`${group.presentSubbands.length} of ${group.expectedSubbands} subbands have arrived; ${missingOf(group)}`],
        nextAutomaticAction: 'It goes on with the last subband, or at the collecting deadline as the policy says.',
      };
    case 'pending':
      return {
        sentences: ['Its subbands are collected and it stands in the queue.'],
        nextAutomaticAction: 'It starts as soon as what it waits for is there.',
      };
    case 'in_progress':
      return {
        sentences: [group.step === null ? 'It is being processed.' : `Step ${group.step} runs.`],
        nextAutomaticAction: 'The next step follows when this one is done; a lost attempt is tried again.',
      };
    case 'needs_attention':
      return {
        sentences: [
          group.failedStep === null
            ? 'It stopped and waits for a person.'
            : `Step ${group.failedStep} failed for good, and the group waits for a person.`,
          ...failure,
          `Correct the cause and resume it here, or with: contimg group resume ${group.groupId} --reason "…"`,
        ],
        nextAutomaticAction: null,
      };
    case 'completed':
      return { sentences: ['Every enabled step is done and recorded.'], nextAutomaticAction: null };
    case 'failed':
      return { sentences: ['It was closed without a result.', ...failure, ...ledgerOf(group)], nextAutomaticAction: null };
    case 'cancelled':
      return { sentences: ['An operator cancelled it.', ...ledgerOf(group)], nextAutomaticAction: null };
    default:
      return group.state satisfies never;
  }
}

const ledgerOf = (group: GroupFacts): string[] => (group.ledgerReason === null ? [] : [`The ledger says: ${group.ledgerReason}.`]);

function missingOf(group: GroupFacts): string {
  const missing = Array.from({ length: group.expectedSubbands }, (_, subband) => subband).filter(
    (subband) => !group.presentSubbands.includes(subband),
  );
  return missing.length === 0 ? 'none is missing.' : `missing: ${missing.map(subbandLabel).join(' ')}.`;
}
