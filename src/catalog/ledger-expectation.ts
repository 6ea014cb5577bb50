/** What is expected of the telescope now, and why: one row, written by each look at the ledger and read by everyone who asks. */
import { z } from 'zod';
import { booleanColumn, type CatalogDatabase, rowOf, runSql } from './statement.ts';

export const expectationRow = z.object({
  id: z.literal(1),
  planned_at: z.string(),
  cadence_s: z.number(),
  cadence_from: z.enum(['headers', 'nominal']),
  is_expecting: booleanColumn,
  /** Why nothing is expected now, or what the expectation rests on. */
  basis: z.string(),
  schedule_problem: z.string().nullable(),
});
export type Expectation = Omit<z.infer<typeof expectationRow>, 'id'>;

export function recordExpectation(database: CatalogDatabase, expectation: Expectation): Expectation {
  runSql(
    database,
    `INSERT INTO ledger_expectation (id, planned_at, cadence_s, cadence_from, is_expecting, basis, schedule_problem)
     VALUES (1, :planned_at, :cadence_s, :cadence_from, :is_expecting, :basis, :schedule_problem)
     ON CONFLICT (id) DO UPDATE SET planned_at = excluded.planned_at, cadence_s = excluded.cadence_s,
       cadence_from = excluded.cadence_from, is_expecting = excluded.is_expecting, basis = excluded.basis,
       schedule_problem = excluded.schedule_problem`,
    { ...expectation, is_expecting: expectation.is_expecting ? 1 : 0 },
  );
  return expectation;
}

/** Null: nobody has looked yet. */
export function currentExpectation(database: CatalogDatabase): Expectation | null {
  const row = rowOf(database, expectationRow, 'SELECT * FROM ledger_expectation WHERE id = 1');
  if (row === null) return null;
  const { id: _only, ...expectation } = row;
  return expectation;
}
