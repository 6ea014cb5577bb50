/** Cancelling an open group: ends its running step, frees scratch, publishes nothing. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import type { GroupDetail } from '../../../src/api/contract/group.ts';
import { postJson } from '../api-client.ts';
import { inWords } from '../formats.ts';
import { ProblemNote } from './panel.tsx';
import { useForbidden } from './sign-in.tsx';

export function CancelForm({ group }: { group: GroupDetail }) {
  const client = useQueryClient();
  const forbidden = useForbidden();
  const [reason, setReason] = useState('');
  const cancel = useMutation({
    mutationFn: () => postJson(`/groups/${encodeURIComponent(group.group_id)}/cancel`, { reason }),
    onSuccess: () => client.invalidateQueries(),
  });
  if (!group.verbs_allowed.includes('cancel')) {
    return <p>{cancel.isSuccess ? 'Cancelled.' : `Nothing to cancel: the group is ${inWords(group.state)}.`}</p>;
  }
  const submit = (event: FormEvent) => {
    event.preventDefault();
    cancel.mutate();
  };
  return (
    <form onSubmit={submit}>
      {forbidden !== null && <p className="fine">{forbidden}</p>}
      <fieldset disabled={forbidden !== null || cancel.isPending}>
        <label>
          Reason (8 to 500 characters)
          <textarea required minLength={8} maxLength={500} rows={2} value={reason} onChange={(event) => setReason(event.target.value)} />
        </label>
        <button type="submit" className="grave">
          Cancel this group
        </button>
      </fieldset>
      {cancel.error !== null && <ProblemNote error={cancel.error} />}
      {cancel.isSuccess && <p role="status">Asked for: the running step ends within 35 s.</p>}
    </form>
  );
}
