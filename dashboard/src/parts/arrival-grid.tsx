/** The 16 subbands of a group: which came, when, how large, and what ingest made of each. */
import type { SubbandCell } from '../../../src/api/contract/group.ts';
import { subbandLabel } from '../../../src/domain/subband.ts';
import { bytes, utcTime } from '../formats.ts';

const VERDICTS: Readonly<Record<SubbandCell['status'], { icon: string; tone: string }>> = {
  missing: { icon: '○', tone: 'neutral' },
  settling: { icon: '◔', tone: 'arriving' },
  valid: { icon: '✔', tone: 'good' },
  invalid: { icon: '✖', tone: 'attention' },
  duplicate: { icon: '◑', tone: 'warning' },
  superseded: { icon: '◑', tone: 'warning' },
};

export function ArrivalGrid({ cells }: { cells: SubbandCell[] }) {
  const valid = cells.filter((cell) => cell.status === 'valid').length;
  return (
    <>
      <p>{valid === cells.length ? 'All 16 subbands are here.' : `${valid} of ${cells.length} subbands are here and valid.`}</p>
      <ol className="arrivals" start={0}>
        {cells.map((cell) => {
          const { icon, tone } = VERDICTS[cell.status];
          return (
            <li key={cell.subband} className={tone}>
              <strong>{subbandLabel(cell.subband)}</strong>
              <span>
                <span aria-hidden="true">{icon}</span> {cell.status}
              </span>
              {cell.arrived_at !== null && (
                <time className="fine" dateTime={cell.arrived_at} title={utcTime(cell.arrived_at)}>
                  {cell.arrived_at.slice(11, 19)}
                </time>
              )}
              {cell.bytes !== null && <span className="fine">{bytes(cell.bytes)}</span>}
            </li>
          );
        })}
      </ol>
      <p className="fine">Times of arrival in UTC.</p>
      {cells.map(
        ({ subband, status, reason }) =>
          reason !== null && (
            <p key={subband}>
              <strong>{subbandLabel(subband)}</strong> is {status}: {reason}
            </p>
          ),
      )}
    </>
  );
}
