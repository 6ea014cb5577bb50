/** Figures of the pipeline as they are now: groups by state and free space by path. */
import { existsSync, statfsSync } from 'node:fs';
import { z } from 'zod';
import { type CatalogDatabase, rowsOf } from '../catalog/statement.ts';
import type { Settings } from '../config/settings.ts';
import { GROUP_STATES, type GroupState, groupStateSchema } from '../domain/group-state.ts';

export interface PipelineReading {
  queue: Record<GroupState, number>;
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
    diskFreeGb: readDisks(settings),
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
