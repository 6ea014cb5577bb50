/** Signing in with the operator token, and out again. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { postJson, rememberCsrfToken } from '../api-client.ts';
import type { Identity } from '../../../src/api/contract/identity.ts';
import { useIdentity } from '../queries.ts';
import { ProblemNote } from './panel.tsx';

export function SignIn() {
  const { data: identity } = useIdentity();
  const client = useQueryClient();
  const [token, setToken] = useState('');
  const signIn = useMutation({
    mutationFn: () => postJson<Identity>('/auth/login', { token }),
    onSuccess: (answer) => {
      setToken('');
      rememberCsrfToken(answer.csrf_token);
      void client.invalidateQueries();
    },
  });
  const signOut = useMutation({
    mutationFn: () => postJson('/auth/logout', {}),
    onSuccess: () => {
      rememberCsrfToken(null);
      void client.invalidateQueries();
    },
  });

  if (identity?.role === 'operator' || identity?.role === 'admin') {
    return (
      <div className="sign-in">
        <span>
          Signed in as <strong>{identity.role}</strong>
        </span>
        <button type="button" onClick={() => signOut.mutate()}>
          Sign out
        </button>
      </div>
    );
  }
  const submit = (event: FormEvent) => {
    event.preventDefault();
    signIn.mutate();
  };
  return (
    <details className="sign-in">
      <summary>Sign in</summary>
      <form onSubmit={submit}>
        <label>
          Operator token
          <input type="password" autoComplete="off" required value={token} onChange={(event) => setToken(event.target.value)} />
        </label>
        <p className="fine">It stands in the file operator.token of the state folder.</p>
        <button type="submit" disabled={signIn.isPending}>
          Sign in
        </button>
        {signIn.error !== null && <ProblemNote error={signIn.error} />}
      </form>
    </details>
  );
}

/** Why an action is not open to this visitor, or null when it is. */
export function useForbidden(): string | null {
  const { data: identity } = useIdentity();
  if (identity === undefined) return 'Checking who you are …';
  return identity.role === 'operator' || identity.role === 'admin' ? null : 'This needs the role operator: sign in at the top of the page.';
}
