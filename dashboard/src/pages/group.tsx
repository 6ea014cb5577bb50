/** Page of one group: why is it here, what will happen, what can I do? */
import { ArrivalGrid } from '../parts/arrival-grid.tsx';
import { CancelForm } from '../parts/cancel-form.tsx';
import { GroupProducts } from '../parts/group-products.tsx';
import { DegradedMark, StateMark } from '../parts/mark.tsx';
import { Panel } from '../parts/panel.tsx';
import { ResumeForm } from '../parts/resume-form.tsx';
import { StepLine } from '../parts/step-line.tsx';
import { RequestFailed } from '../api-client.ts';
import { inWords, mjdOf, utcTime } from '../formats.ts';
import { useGroup, useNewestGroups } from '../queries.ts';
import { groupHref, Link } from '../router.tsx';

export function GroupPage({ groupId }: { groupId: string }) {
  const query = useGroup(groupId);
  if (query.error instanceof RequestFailed && query.error.code === 'unknown_group') return <UnknownGroup groupId={groupId} />;
  return (
    <>
      <h1>
        Group <span className="id">{query.data?.group_id ?? groupId}</span>
      </h1>
      <div className="panels">
        <Panel title="Why it is in this state" query={query} className="wide">
          {(group) => (
            <>
              <p>
                <StateMark state={group.state} /> {group.degraded && <DegradedMark />}{' '}
                <span className="fine">
                  {inWords(group.processing_stage)}, lane {group.lane}
                  {group.host === null ? '' : `, host ${group.host}`}
                </span>
              </p>
              {group.explanation.map((sentence) => (
                <p key={sentence}>{sentence}</p>
              ))}
              <p className="fine">
                Observed {utcTime(group.observed_at)} (MJD {mjdOf(group.observed_at).toFixed(5)}) ·{' '}
                <a href={group.workflow.ui_url}>Workflow in the Temporal Web UI</a>
              </p>
            </>
          )}
        </Panel>
        <Panel title="Subbands" query={query} className="wide">
          {(group) => <ArrivalGrid cells={group.subbands} />}
        </Panel>
        <Panel title="Steps" query={query} className="wide">
          {(group) => <StepLine group={group} />}
        </Panel>
        <Panel title="Resume" query={query} className="broad">
          {(group) => <ResumeForm key={`${group.state} ${group.failed_step ?? ''}`} group={group} />}
        </Panel>
        <Panel title="Cancel" query={query}>
          {(group) => <CancelForm group={group} />}
        </Panel>
        <Panel title="Products" query={query} className="wide">
          {(group) => <GroupProducts group={group} />}
        </Panel>
      </div>
    </>
  );
}

function UnknownGroup({ groupId }: { groupId: string }) {
  const newest = useNewestGroups();
  return (
    <>
      <h1>No group {groupId}</h1>
      <Panel title="The newest groups are" query={newest}>
        {({ items }) =>
          items.length === 0 ? (
            <p>There is no group yet.</p>
          ) : (
            <ul className="rows">
              {items.map((group) => (
                <li key={group.group_id}>
                  <Link href={groupHref(group.group_id)}>{group.group_id}</Link> <StateMark state={group.state} />
                </li>
              ))}
            </ul>
          )
        }
      </Panel>
    </>
  );
}
