/** Groups of a night as the product database has them, each beside the truth it belongs to. */
import { type ExpectedGroup, keyOf, NIGHT_DEC_RAD, type PlannedGroup, STRAY_DEC_RAD } from './night-plan.ts';
import type { WholePipeline } from './whole-pipeline.ts';

interface GroupAndLedger {
  group_id: string;
  header_t0_mjd: number;
  dec_deg: number;
  state: string;
  failed_step: string | null;
  error_code: string | null;
  outcome: string | null;
  reason: string | null;
}

export interface NightRow extends GroupAndLedger {
  expected: ExpectedGroup;
}

const LIMIT_DEC_DEG = ((NIGHT_DEC_RAD + STRAY_DEC_RAD) / 2) * (180 / Math.PI);
const MJD_ZERO_JD = 2_400_000.5;

export class NightTruth {
  readonly #byKey: Map<string, ExpectedGroup>;

  constructor(expected: readonly ExpectedGroup[]) {
    this.#byKey = new Map(expected.map((group) => [keyOf(group.plan.t0Jd, group.isStray), group]));
  }

  get size(): number {
    return this.#byKey.size;
  }

  /** Groups that will not be sent after all. */
  forget(plans: readonly PlannedGroup[]): void {
    for (const [key, { plan }] of this.#byKey) if (plans.includes(plan)) this.#byKey.delete(key);
  }

  keys = (): string[] => [...this.#byKey.keys()];
  keyOfRow = (row: GroupAndLedger): string => keyOf(row.header_t0_mjd + MJD_ZERO_JD, row.dec_deg < LIMIT_DEC_DEG);

  /** Throws for a group that nobody sent. */
  rows(pipeline: WholePipeline): NightRow[] {
    const found = pipeline.read<GroupAndLedger>(
      `SELECT g.group_id, g.header_t0_mjd, g.dec_deg, g.state, g.failed_step, g.error_code, l.outcome, l.reason
       FROM groups g LEFT JOIN ledger l ON l.group_id = g.group_id ORDER BY g.group_id`,
    );
    return found.map((row) => {
      const expected = this.#byKey.get(this.keyOfRow(row));
      if (expected === undefined) throw new Error(`nobody sent the group ${row.group_id} (${row.dec_deg}°)`);
      return { ...row, expected };
    });
  }
}
