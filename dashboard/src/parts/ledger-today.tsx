/** What became of the groups the telescope should have produced this UTC day. */
import type { Status } from '../../../src/api/contract/status.ts';

const OUTCOMES = [
  { outcome: 'done', icon: '✔', tone: 'good' },
  { outcome: 'degraded', icon: '◑', tone: 'warning' },
  { outcome: 'pending', icon: '◌', tone: 'arriving' },
  { outcome: 'skipped', icon: '⊘', tone: 'ended' },
  { outcome: 'missing', icon: '✖', tone: 'attention' },
] as const;

export function LedgerToday({ counts }: { counts: Status['ledger_today'] }) {
  const total = OUTCOMES.reduce((sum, { outcome }) => sum + counts[outcome], 0);
  if (total === 0) return <p>No group is expected yet today (UTC): the first file opens the ledger of the day.</p>;
  return (
    <>
      <div className="strip" aria-hidden="true">
        {OUTCOMES.filter(({ outcome }) => counts[outcome] > 0).map(({ outcome, tone }) => (
          <span key={outcome} className={tone} style={{ flexGrow: counts[outcome] }} />
        ))}
      </div>
      <ul className="rows">
        {OUTCOMES.map(({ outcome, icon, tone }) => (
          <li key={outcome}>
            <span className={`mark ${tone}`}>
              <span aria-hidden="true">{icon}</span> {outcome}
            </span>
            <span className="number">{counts[outcome]}</span>
          </li>
        ))}
      </ul>
      <p className="fine">
        {counts.missing === 0 ? 'No hole today.' : `${counts.missing} expected without data.`} {total} in all, UTC day.
      </p>
    </>
  );
}
