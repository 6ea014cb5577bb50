/** Page Now: are we keeping up, and must I do something? */
import type { Status } from '../../../src/api/contract/status.ts';
import { LastImage } from '../parts/last-image.tsx';
import { LedgerToday } from '../parts/ledger-today.tsx';
import { DegradedMark, Mark, StateMark, toneOf } from '../parts/mark.tsx';
import { Panel } from '../parts/panel.tsx';
import { GROUP_STATES, type GroupState } from '../../../src/domain/group-state.ts';
import { duration, UNKNOWN, utcTime } from '../formats.ts';
import { useNeedsAttention, useNewestGroups, useStatus } from '../queries.ts';
import { groupHref, Link } from '../router.tsx';

export function NowPage() {
  const status = useStatus();
  const attention = useNeedsAttention();
  const newest = useNewestGroups();
  return (
    <>
      <h1>Now</h1>
      <div className="panels">
        <Panel title="Needs attention" query={attention} className="wide">
          {({ items, total }) =>
            items.length === 0 ? (
              <p>
                <Mark tone="good" icon="✔" word="Nothing waits for a person." />
              </p>
            ) : (
              <>
                <ul className="cards">
                  {items.toReversed().map((group) => (
                    <li key={group.group_id}>
                      <p>
                        <StateMark state={group.state} /> <Link href={groupHref(group.group_id)}>{group.group_id}</Link>{' '}
                        <span className="fine">since {utcTime(group.updated_at)}</span>
                      </p>
                      <p>
                        <strong>{group.step ?? 'before the first step'}</strong>:{' '}
                        {group.error === null ? (group.waiting_for ?? 'no cause recorded') : `${group.error.code}: ${group.error.message}`}
                      </p>
                      {group.error !== null && <p className="remedy">{group.error.remedy}</p>}
                    </li>
                  ))}
                </ul>
                {total > items.length && <p className="fine">{total - items.length} more are not shown.</p>}
              </>
            )
          }
        </Panel>
        <Panel title="Keeping up" query={status}>
          {(now) => <KeepingUp now={now} />}
        </Panel>
        <Panel title="Queue" query={status}>
          {({ queue }) => <Queue queue={queue} />}
        </Panel>
        <Panel title="Last image" query={status} className="tall">
          {({ last_image }) => <LastImage image={last_image} />}
        </Panel>
        <Panel title="Today's ledger" query={status}>
          {({ ledger_today }) => <LedgerToday counts={ledger_today} />}
        </Panel>
        <Panel title="Resources" query={status}>
          {(now) => <Resources now={now} />}
        </Panel>
        <Panel title="Newest groups" query={newest} className="wide">
          {({ items }) =>
            items.length === 0 ? (
              <p>No group yet: one appears with its first settled subband file.</p>
            ) : (
              <ul className="rows">
                {items.map((group) => (
                  <li key={group.group_id}>
                    <Link href={groupHref(group.group_id)}>{group.group_id}</Link>
                    <StateMark state={group.state} />
                    {group.degraded && <DegradedMark />}
                    <span className="fine">
                      {group.present} of {group.expected} subbands{group.step === null ? '' : `, ${group.step}`}
                    </span>
                  </li>
                ))}
              </ul>
            )
          }
        </Panel>
      </div>
    </>
  );
}

function KeepingUp({ now }: { now: Status }) {
  const factor = now.realtime_factor;
  return (
    <>
      <p className="figure">
        {factor === null ? UNKNOWN : `${factor.toFixed(1)}×`}
        <span> real time</span>
      </p>
      <p>
        {factor === null && <Mark tone="neutral" icon="◌" word="not measured yet: needs a completed group" />}
        {factor !== null && factor >= 1 && <Mark tone="good" icon="✔" word="keeps up with the telescope" />}
        {factor !== null && factor < 1 && <Mark tone="attention" icon="▲" word="falls behind the telescope" />}
      </p>
      <dl className="facts">
        <Fact name="Lag, last subband to end of line" value={duration(now.lag_s)} />
        <Fact name="Oldest waiting group" value={now.oldest_pending_s === null ? 'none waits' : duration(now.oldest_pending_s)} />
        <Fact name="Files in the last hour" value={String(now.arrivals_last_hour)} />
        <Fact name="Groups completed in the last hour" value={String(now.completions_last_hour)} />
        <Fact name="Last file seen" value={now.last_file_at === null ? 'none yet' : utcTime(now.last_file_at)} />
      </dl>
    </>
  );
}

function Queue({ queue }: { queue: Status['queue'] }) {
  const highest = Math.max(1, ...GROUP_STATES.map((state) => queue[state]));
  return (
    <table className="queue">
      <caption className="hidden">Groups by state</caption>
      <tbody>
        {GROUP_STATES.map((state: GroupState) => (
          <tr key={state}>
            <th scope="row">
              <StateMark state={state} />
            </th>
            <td className="number">{queue[state]}</td>
            <td className="bar" aria-hidden="true">
              <span className={toneOf(state)} style={{ width: `${(100 * queue[state]) / highest}%` }} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Resources({ now }: { now: Status }) {
  return (
    <dl className="facts">
      {now.disk.map((disk) => (
        <Fact key={disk.path} name={`Free on ${disk.path}`} value={`${disk.free_gb.toFixed(1)} of ${disk.total_gb.toFixed(0)} GB`} />
      ))}
      <Fact
        name="Age of the newest calibration"
        value={now.calibration_age_h === null ? 'no active set' : duration(now.calibration_age_h * 3600)}
      />
      <Fact name="Service up for" value={duration(now.uptime_seconds)} />
      <div>
        <dt>Workflows</dt>
        <dd>
          <a href={now.temporal_ui_url}>Temporal Web UI</a>
        </dd>
      </div>
    </dl>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
