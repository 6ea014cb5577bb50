/** UTC, MJD and local sidereal time. Sidereal time is the server's (it knows the site), carried on between its answers. */
import { sexagesimalHours } from '../formats.ts';
import { useStatus } from '../queries.ts';
import { useNow } from './use-now.ts';

/** Sidereal seconds in a second of UTC. */
const SIDEREAL_RATE = 1.002_737_909_35;

export function Clock() {
  const nowMs = useNow();
  const { data } = useStatus();
  const time = data?.time;
  const lst = time === undefined ? null : time.lst_hours + ((nowMs - Date.parse(time.utc)) / 3_600_000) * SIDEREAL_RATE;
  return (
    <dl className="clock" aria-label="Time at the telescope">
      <div>
        <dt>UTC</dt>
        <dd>{new Date(nowMs).toISOString().slice(0, 19).replace('T', ' ')}</dd>
      </div>
      <div>
        <dt>MJD</dt>
        <dd>{(nowMs / 86_400_000 + 40_587).toFixed(4)}</dd>
      </div>
      <div>
        <dt>LST</dt>
        <dd>{lst === null ? '–' : sexagesimalHours(lst)}</dd>
      </div>
    </dl>
  );
}
