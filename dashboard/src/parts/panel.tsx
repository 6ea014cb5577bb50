/**
 * One panel of a page with its age and its three states in words. While it cannot be refreshed, the last good content
 * stays, greyed, under the problem.
 */
import type { UseQueryResult } from '@tanstack/react-query';
import { type ReactNode, useId } from 'react';
import { RequestFailed } from '../api-client.ts';
import { duration } from '../formats.ts';
import { useNow } from './use-now.ts';

interface PanelProps<Answer> {
  title: string;
  query: UseQueryResult<Answer>;
  className?: string;
  children: (answer: Answer) => ReactNode;
}

export function Panel<Answer>({ title, query, className = '', children }: PanelProps<Answer>) {
  const titleId = useId();
  return (
    <section className={`panel ${className}`} aria-labelledby={titleId} aria-busy={query.isPending}>
      <header>
        <h2 id={titleId}>{title}</h2>
        {query.dataUpdatedAt > 0 && <Age sinceMs={query.dataUpdatedAt} />}
      </header>
      {query.error !== null && <ProblemNote error={query.error} retry={() => void query.refetch()} />}
      {query.data !== undefined && <div className={query.error === null ? undefined : 'stale'}>{children(query.data)}</div>}
      {query.isPending && (
        <p className="loading" role="status">
          Asking the server …
        </p>
      )}
    </section>
  );
}

function Age({ sinceMs }: { sinceMs: number }) {
  const ageS = Math.max(0, (useNow() - sinceMs) / 1000);
  return <span className="age">{ageS < 2 ? 'just now' : `${duration(Math.round(ageS)).replace('.0', '')} old`}</span>;
}

export function ProblemNote({ error, retry }: { error: Error; retry?: () => void }) {
  const known = error instanceof RequestFailed ? error : null;
  return (
    <div className="problem" role="alert">
      <p>
        <strong>
          <span aria-hidden="true">✖ </span>
          {error.message}
        </strong>
      </p>
      {known !== null && <p>{known.remedy}</p>}
      {known?.requestId != null && <p className="fine">Request {known.requestId}</p>}
      {retry !== undefined && (
        <button type="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}
