/** A state, outcome or verdict by colour, icon and word together: nothing is told by colour alone. */
import type { GroupState } from '../../../src/domain/group-state.ts';
import { inWords } from '../formats.ts';

type Tone = 'neutral' | 'arriving' | 'working' | 'good' | 'warning' | 'attention' | 'ended';

const STATE_MARKS: Readonly<Record<GroupState, { icon: string; tone: Tone }>> = {
  collecting: { icon: '◔', tone: 'arriving' },
  pending: { icon: '◌', tone: 'neutral' },
  in_progress: { icon: '▶', tone: 'working' },
  needs_attention: { icon: '▲', tone: 'attention' },
  completed: { icon: '✔', tone: 'good' },
  failed: { icon: '✖', tone: 'ended' },
  cancelled: { icon: '⊘', tone: 'neutral' },
};

export function Mark({ tone, icon, word }: { tone: Tone; icon: string; word: string }) {
  return (
    <span className={`mark ${tone}`}>
      <span aria-hidden="true">{icon}</span> {word}
    </span>
  );
}

export const toneOf = (state: GroupState): string => STATE_MARKS[state].tone;

export const StateMark = ({ state }: { state: GroupState }) => <Mark {...STATE_MARKS[state]} word={inWords(state)} />;

export const DegradedMark = () => <Mark tone="warning" icon="◑" word="degraded" />;

export function VerdictMark({ verdict }: { verdict: 'pass' | 'warn' | 'fail' }) {
  switch (verdict) {
    case 'pass':
      return <Mark tone="good" icon="✔" word="quality passed" />;
    case 'warn':
      return <Mark tone="warning" icon="◑" word="quality warning" />;
    case 'fail':
      return <Mark tone="attention" icon="✖" word="quality failed" />;
    default:
      return verdict satisfies never;
  }
}
