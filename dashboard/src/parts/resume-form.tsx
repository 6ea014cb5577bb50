/** Going on from the failed step or an earlier one, with corrected parameters: the form is made from the step's own schema. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import type { GroupDetail, ResumeBody } from '../../../src/api/contract/group.ts';
import { stepIndex, type StepName } from '../../../src/domain/step.ts';
import { postJson } from '../api-client.ts';
import { inWords } from '../formats.ts';
import { useSteps } from '../queries.ts';
import { ProblemNote } from './panel.tsx';
import { changedValues, type Draft, ParameterField } from './parameter-field.tsx';
import { useForbidden } from './sign-in.tsx';

export function ResumeForm({ group }: { group: GroupDetail }) {
  const client = useQueryClient();
  const forbidden = useForbidden();
  const steps = useSteps();
  const [from, setFrom] = useState<StepName | null>(group.failed_step);
  const [draft, setDraft] = useState<Draft>({});
  const [reason, setReason] = useState('');
  const [acknowledged, setAcknowledged] = useState(false);
  const step = steps.data?.steps.find((candidate) => candidate.name === from);
  const changes = step === undefined ? {} : changedValues(step, draft);

  const resume = useMutation({
    mutationFn: () => {
      const body: ResumeBody = { reason };
      if (from !== null) body.from = from;
      if (Object.keys(changes).length > 0) body.parameters = changes;
      if (acknowledged) body.acknowledge_degraded = true;
      return postJson(`/groups/${encodeURIComponent(group.group_id)}/resume`, body);
    },
    onSuccess: () => client.invalidateQueries(),
  });

  if (!group.verbs_allowed.includes('resume')) {
    return <p>Nothing to resume: the group is {inWords(group.state)}, and only a group that needs attention waits for a person.</p>;
  }
  const submit = (event: FormEvent) => {
    event.preventDefault();
    resume.mutate();
  };
  const goBack = (name: string) => {
    setFrom(group.resumable_from.find((candidate) => candidate === name) ?? null);
    setDraft({});
  };
  return (
    <form onSubmit={submit}>
      {forbidden !== null && <p className="fine">{forbidden}</p>}
      <fieldset disabled={forbidden !== null || resume.isPending}>
        <label>
          Go on from
          <select value={from ?? ''} onChange={(event) => goBack(event.target.value)}>
            {group.resumable_from.toReversed().map((name) => (
              <option key={name} value={name}>
                {stepIndex(name) + 1}. {name}
                {name === group.failed_step ? ' (failed here)' : ''}
              </option>
            ))}
          </select>
        </label>
        {step !== undefined && Object.keys(step.parameters.properties).length === 0 && <p className="fine">This step has no parameters.</p>}
        {step !== undefined && (
          <div className="fields">
            {Object.entries(step.parameters.properties).map(([name, parameter]) => (
              <ParameterField
                key={`${step.name} ${name}`}
                name={name}
                parameter={parameter}
                configured={step.configured[name]}
                value={draft[name]}
                onChange={(value) => setDraft({ ...draft, [name]: value })}
              />
            ))}
          </div>
        )}
        <label className="check">
          <input type="checkbox" checked={acknowledged} onChange={(event) => setAcknowledged(event.target.checked)} />
          Go on although the result will be degraded
        </label>
        <label>
          Reason (8 to 500 characters)
          <textarea required minLength={8} maxLength={500} rows={2} value={reason} onChange={(event) => setReason(event.target.value)} />
        </label>
        <p className="fine">
          {Object.keys(changes).length === 0 ? 'No parameter is changed.' : `Changed: ${Object.keys(changes).map(inWords).join(', ')}.`}
        </p>
        <button type="submit">Resume</button>
      </fieldset>
      {steps.error !== null && <ProblemNote error={steps.error} retry={() => void steps.refetch()} />}
      {resume.error !== null && <ProblemNote error={resume.error} />}
      {resume.isSuccess && <p role="status">Accepted: the group goes on.</p>}
    </form>
  );
}
