/** Figures of the pipeline as they are now: groups by state and free space by path. */
import { existsSync, statfsSync } from 'node:fs';
import { z } from 'zod';
import type { LedgerOutcome } from '../catalog/ledger.ts';
import { ledgerCounts } from '../catalog/ledger-summary.ts';
import { type CatalogDatabase, rowsOf } from '../catalog/statement.ts';
import type { Settings } from '../config/settings.ts';
import { GROUP_STATES, type GroupState, groupStateSchema } from '../domain/group-state.ts';
import { isoFromUnixMs } from '../domain/utc.ts';

export interface PipelineReading {
  queue: Record<GroupState, number>;
  /** Groups expected in the last 24 hours, by what became of them. */
  ledgerLastDay: Record<LedgerOutcome, number>;
  diskFreeGb: Record<string, number>;
}

const countRow = z.object({ state: groupStateSchema, n: z.int() });

export function readPipeline(database: CatalogDatabase, settings: Settings): PipelineReading {
  const counts = new Map(
    rowsOf(database, countRow, 'SELECT state, COUNT(*) AS n FROM groups GROUP BY state').map(({ state, n }) => [state, n]),
  );
  const count = (state: GroupState): number => counts.get(state) ?? 0;
  return {
    queue: {
      collecting: count('collecting'),
      pending: count('pending'),
      in_progress: count('in_progress'),
      needs_attention: count('needs_attention'),
      completed: count('completed'),
      failed: count('failed'),
      cancelled: count('cancelled'),
    } satisfies Record<(typeof GROUP_STATES)[number], number>,
    ledgerLastDay: readLedger(database),
    diskFreeGb: readDisks(settings),
  };
}

const DAY_MS = 86_400_000;

function readLedger(database: CatalogDatabase): PipelineReading['ledgerLastDay'] {
  const nowMs = Date.now();
  const days = ledgerCounts(database, { start: isoFromUnixMs(nowMs - DAY_MS), end: isoFromUnixMs(nowMs) }, 'day');
  const count = (outcome: LedgerOutcome): number => days.reduce((sum, day) => sum + day[outcome], 0);
  return {
    done: count('done'),
    degraded: count('degraded'),
    skipped: count('skipped'),
    missing: count('missing'),
    pending: count('pending'),
  };
}

export const diskPaths = ({ paths }: Settings): { output: string; scratch: string; tmpfs: string; state: string } => ({
  output: paths.output,
  scratch: paths.scratch,
  tmpfs: paths.tmpfs,
  state: paths.state,
});

function readDisks(settings: Settings): Record<string, number> {
  const existing = Object.values(diskPaths(settings)).filter((path) => existsSync(path));
  return Object.fromEntries(existing.map((path) => [path, freeGb(path)]));
}

function freeGb(path: string): number {
  const { bavail, bsize } = statfsSync(path);
  return (bavail * bsize) / 1e9;
}
