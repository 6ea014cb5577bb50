/** The line of steps with every attempt and its measured duration. */
import type { Attempt, GroupDetail } from '../../../src/api/contract/group.ts';
import { STEPS, type StepName } from '../../../src/domain/step.ts';
import { duration, utcTime } from '../formats.ts';
import { Mark } from './mark.tsx';

export function StepLine({ group }: { group: GroupDetail }) {
  return (
    <ol className="steps">
      {STEPS.map((step) => {
        const attempts = group.attempts.filter((attempt) => attempt.step === step.name);
        return (
          <li key={step.name} aria-current={group.step === step.name ? 'step' : undefined}>
            <p>
              <strong>{step.name}</strong> <StepMark group={group} step={step.name} last={attempts.at(-1)} />
            </p>
            <p className="fine">{step.does}</p>
            {attempts.length > 0 && (
              <ul>
                {attempts.map((attempt) => (
                  <li key={`${attempt.run} ${attempt.attempt}`} className="fine">
                    attempt {attempt.attempt}: {attempt.outcome} in {duration(attempt.duration_s)}, {utcTime(attempt.started_at)}
                    {attempt.host === null ? '' : ` on ${attempt.host}`}
                    {attempt.error === null ? '' : ` (${attempt.error})`}
                    {attempt.note === null ? '' : ` (${attempt.note})`}
                  </li>
                ))}
              </ul>
            )}
          </li>
        );
      })}
    </ol>
  );
}

function StepMark({ group, step, last }: { group: GroupDetail; step: StepName; last: Attempt | undefined }) {
  if (group.state === 'needs_attention' && group.failed_step === step) return <Mark tone="attention" icon="▲" word="waits for a person" />;
  if (group.step === step && (group.state === 'in_progress' || group.state === 'collecting')) {
    return <Mark tone="working" icon="▶" word="now" />;
  }
  if (last === undefined) return <Mark tone="neutral" icon="○" word="not yet" />;
  switch (last.outcome) {
    case 'done':
      return <Mark tone="good" icon="✔" word="done" />;
    case 'skipped':
      return <Mark tone="neutral" icon="↷" word="skipped" />;
    case 'failed':
      return <Mark tone="attention" icon="✖" word="failed" />;
    case 'cancelled':
      return <Mark tone="neutral" icon="⊘" word="cancelled" />;
    default:
      return last.outcome satisfies never;
  }
}
