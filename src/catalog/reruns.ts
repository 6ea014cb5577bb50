/**
 * Reruns that a change of products asks for: planned in the transaction of that change, one open plan a group, from the
 * earliest step asked for. Starting them is not the catalogue's business (src/temporal/stale-reruns.ts).
 */
import { z } from 'zod';
import { groupIdSchema } from '../domain/group-id.ts';
import { groupStateSchema } from '../domain/group-state.ts';
import { type RerunStart, rerunStartSchema } from '../domain/rerun.ts';
import { stepIndex } from '../domain/step.ts';
import { type CatalogDatabase, rowOf, rowsOf, runSql } from './statement.ts';
import { absolutePathSql } from './storage-locations.ts';

export const rerunRow = z.object({
  id: z.int(),
  group_id: groupIdSchema,
  from_step: rerunStartSchema,
  reason: z.string(),
  because_of: z.int(),
  status: z.enum(['planned', 'started', 'dropped']),
  answer: z.string().nullable(),
  planned_at: z.string(),
  settled_at: z.string().nullable(),
});
export type RerunRow = z.infer<typeof rerunRow>;

const COLUMNS = Object.keys(rerunRow.shape)
  .map((column) => `r.${column}`)
  .join(', ');

interface Plan {
  groupId: string;
  from: RerunStart;
  reason: string;
  /** The product whose change asks for the rerun. */
  becauseOf: number;
  at: string;
}

function planRerun(database: CatalogDatabase, plan: Plan): void {
  const open = rowOf(database, rerunRow, `SELECT ${COLUMNS} FROM reruns r WHERE r.group_id = :groupId AND r.status = 'planned'`, {
    groupId: plan.groupId,
  });
  if (open === null) {
    runSql(
      database,
      `INSERT INTO reruns (group_id, from_step, reason, because_of, status, planned_at)
       VALUES (:groupId, :from, :reason, :becauseOf, 'planned', :at)`,
      { ...plan },
    );
  } else if (stepIndex(plan.from) < stepIndex(open.from_step)) {
    const { from, reason, becauseOf } = plan;
    runSql(database, 'UPDATE reruns SET from_step = :from, reason = :reason, because_of = :becauseOf WHERE id = :id', {
      id: open.id,
      from,
      reason,
      becauseOf,
    });
  }
}

const groupIdRow = z.object({ group_id: z.string() });

/**
 * Groups whose image was made directly from a superseded product of another group (a calibration set) run again from
 * `calibrate`. What lies further down follows from those reruns; the superseding group is remaking its own already.
 */
export function planRerunsAfter(database: CatalogDatabase, superseded: number, by: number, at: string): void {
  const groups = rowsOf(
    database,
    groupIdRow,
    `SELECT DISTINCT p.group_id FROM product_inputs i JOIN products p ON p.id = i.product_id
     JOIN products s ON s.id = i.input_product_id JOIN groups g ON g.group_id = p.group_id
     WHERE i.input_product_id = :superseded AND p.kind = 'image' AND p.status IN ('current', 'stale') AND p.group_id <> s.group_id`,
    { superseded },
  );
  for (const { group_id } of groups) {
    const reason = `calibration set (product ${superseded}) was superseded by product ${by}`;
    planRerun(database, { groupId: group_id, from: 'calibrate', reason, becauseOf: by, at });
  }
}

/**
 * Groups of the strip that took a set that was not valid for them because none was, and for which one is now. The product is
 * the new set or the image of such a group: a set may be registered while a group is being imaged. A set is the reason for one rerun
 * of a group at most: where the group's own policy does not take it, asking again would never end.
 */
export function planRerunsOfProvisional(database: CatalogDatabase, productId: number, stripToleranceDeg: number, at: string): void {
  const groups = rowsOf(
    database,
    groupIdRow.extend({ product_id: z.int() }),
    `SELECT DISTINCT i.group_id, n.product_id FROM calibration_sets n
     JOIN images i ON i.group_id <> n.group_id AND i.calibration_how = 'provisional' AND i.mid_mjd BETWEEN n.valid_start_mjd AND n.valid_end_mjd
     JOIN products p ON p.id = i.product_id AND p.status = 'current'
     JOIN groups g ON g.group_id = i.group_id AND abs(g.dec_deg - n.dec_deg) <= :stripToleranceDeg
     WHERE :productId IN (n.product_id, i.product_id) AND n.status = 'active'
       AND NOT EXISTS (SELECT 1 FROM calibration_applied a WHERE a.product_id = i.product_id AND a.set_id = n.id)
       AND NOT EXISTS (SELECT 1 FROM reruns r WHERE r.group_id = i.group_id AND r.because_of = n.product_id)`,
    { productId, stripToleranceDeg },
  );
  for (const { group_id, product_id } of groups) {
    const reason = `calibration set (product ${product_id}) is valid for the group, the one applied was provisional`;
    planRerun(database, { groupId: group_id, from: 'calibrate', reason, becauseOf: product_id, at });
  }
}

/** Groups of the strip that were calibrated with sets further away in time, by more than `gainHours`, than the new one is. */
export function planRerunsForCloserSet(
  database: CatalogDatabase,
  productId: number,
  rule: { gainHours: number; stripToleranceDeg: number },
  at: string,
): void {
  const groups = rowsOf(
    database,
    groupIdRow,
    `SELECT i.group_id FROM calibration_sets n
     JOIN images i ON i.group_id <> n.group_id AND i.mid_mjd BETWEEN n.valid_start_mjd AND n.valid_end_mjd
     JOIN products p ON p.id = i.product_id AND p.status = 'current'
     JOIN groups g ON g.group_id = i.group_id AND abs(g.dec_deg - n.dec_deg) <= :stripToleranceDeg
     JOIN calibration_applied a ON a.product_id = i.product_id JOIN calibration_sets s ON s.id = a.set_id
     WHERE n.product_id = :productId AND n.status = 'active'
     GROUP BY i.group_id
     HAVING MIN(abs(s.mid_mjd - i.mid_mjd)) - abs(n.mid_mjd - i.mid_mjd) > :gainHours / 24.0`,
    { productId, ...rule },
  );
  for (const { group_id } of groups) {
    const reason = `calibration set (product ${productId}) is closer in time than the one applied`;
    planRerun(database, { groupId: group_id, from: 'calibrate', reason, becauseOf: productId, at });
  }
}

const plannedRow = rerunRow.extend({ state: groupStateSchema });

/** Open plans with the state of their group, oldest first. */
export const plannedReruns = (database: CatalogDatabase, limit: number): z.infer<typeof plannedRow>[] =>
  rowsOf(
    database,
    plannedRow,
    `SELECT ${COLUMNS}, g.state FROM reruns r JOIN groups g ON g.group_id = r.group_id WHERE r.status = 'planned' ORDER BY r.id LIMIT :limit`,
    { limit },
  );

export function settleRerun(
  database: CatalogDatabase,
  settled: { id: number; status: 'started' | 'dropped'; answer: string; at: string },
): void {
  runSql(database, `UPDATE reruns SET status = :status, answer = :answer, settled_at = :at WHERE id = :id AND status = 'planned'`, settled);
}

/** Newest first. */
export const rerunsOf = (database: CatalogDatabase, groupId: string): RerunRow[] =>
  rowsOf(database, rerunRow, `SELECT ${COLUMNS} FROM reruns r WHERE r.group_id = :groupId ORDER BY r.id DESC`, { groupId });

const impactRow = z.object({ id: z.int(), kind: z.string(), group_id: z.string(), path: z.string() });

export interface RerunImpact {
  /** Current products of the group that the rerun makes anew. */
  supersedes: z.infer<typeof impactRow>[];
  /** Images of other groups that are stale once the group's calibration set is superseded: they run again from `calibrate`. */
  makesStale: z.infer<typeof impactRow>[];
}

/** What a rerun would change; changes nothing. */
export function impactOfRerun(database: CatalogDatabase, groupId: string, from: RerunStart): RerunImpact {
  const kinds = {
    collect: ['ms', 'calibration_set', 'image'],
    flag: ['calibration_set', 'image'],
    solve: ['calibration_set', 'image'],
    calibrate: ['image'],
  }[from];
  const columns = `p.id, p.kind, p.group_id, ${absolutePathSql('p', 'l')} AS path FROM products p JOIN storage_locations l ON l.name = p.location`;
  const supersedes = rowsOf(
    database,
    impactRow,
    `SELECT ${columns} WHERE p.group_id = :groupId AND p.status IN ('current', 'stale') AND p.kind IN (SELECT value FROM json_each(:kinds)) ORDER BY p.id`,
    { groupId, kinds: JSON.stringify(kinds) },
  );
  const sets = supersedes.filter(({ kind }) => kind === 'calibration_set').map(({ id }) => id);
  const makesStale = rowsOf(
    database,
    impactRow,
    `SELECT DISTINCT ${columns} JOIN product_inputs i ON i.product_id = p.id
     WHERE i.input_product_id IN (SELECT value FROM json_each(:sets)) AND p.kind = 'image' AND p.status = 'current' AND p.group_id <> :groupId
     ORDER BY p.id`,
    { groupId, sets: JSON.stringify(sets) },
  );
  return { supersedes, makesStale };
}
