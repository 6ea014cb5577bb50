/** What must become of each simulated group, and what became of it. */
import type { GroupRow } from '../../src/api/contract/group.ts';
import { refusedSubbands, type Truth } from './truth.ts';

export interface GroupOutcome {
  groupId: string;
  kind: string;
  /** In words: what was done to its files. */
  fault: string;
  state: string;
  degraded: string;
  /** It has reached the end that its faults must lead to. */
  settled: boolean;
}

const CLOSED = new Set(['completed', 'failed', 'cancelled', 'needs_attention']);

export function accountFor(truth: Truth, rows: readonly GroupRow[]): GroupOutcome[] {
  return truth.groups.map((group) => {
    const row = rows.find((candidate) => candidate.group_id === group.group_id);
    const refused = refusedSubbands(truth, group.group_id);
    const mustLackSubbands = refused.length > 0;
    const lacksSubbands = row?.degraded_reasons.includes('subbands_missing') ?? false;
    const ended = row !== undefined && CLOSED.has(row.state);
    return {
      groupId: group.group_id,
      kind: group.kind,
      fault: [
        ...refused.map((subband) => `sb${pad(subband)} corrupt`),
        ...group.subbands_late.map((subband) => `sb${pad(subband)} late`),
      ].join(', '),
      state: row?.state ?? 'unseen',
      degraded: row?.degraded_reasons.join(', ') ?? '',
      // A late subband is upgraded, so in the end only refused files are missing.
      settled: ended && (row.state !== 'completed' || lacksSubbands === mustLackSubbands),
    };
  });
}

const pad = (subband: number): string => String(subband).padStart(2, '0');
