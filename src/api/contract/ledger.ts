/** GET /ledger and /ledger/summary: what the telescope should have produced, and what became of it. */
import { z } from 'zod';
import { instantSchema } from './instant.ts';
import { listOf } from './listing.ts';

export const ledgerOutcomeSchema = z.enum(['pending', 'done', 'degraded', 'skipped', 'missing']);

const ledgerEntrySchema = z.strictObject({
  row_id: z.int(),
  /** Null: nothing of it was admitted. */
  group_id: z.string().nullable(),
  expected_at: instantSchema,
  /** Of a stretch of silence, exclusive. */
  range_end_at: instantSchema.nullable(),
  groups: z.int().describe('groups the row stands for'),
  expected_from: z.enum(['header', 'cadence', 'name']),
  dec_deg: z.number().nullable(),
  outcome: ledgerOutcomeSchema,
  reason: z.string(),
  degraded: z.boolean(),
  note: z.string().nullable(),
  noted_by: z.string().nullable(),
  history: z.array(z.strictObject({ outcome: ledgerOutcomeSchema, reason: z.string(), until_at: instantSchema })),
});
export type LedgerEntry = z.infer<typeof ledgerEntrySchema>;
export const ledgerListSchema = listOf(ledgerEntrySchema);

export const ledgerSummarySchema = z.strictObject({
  start_at: instantSchema,
  end_at: instantSchema,
  /** Null: nobody has looked yet. */
  expectation: z
    .strictObject({
      planned_at: instantSchema,
      cadence_s: z.number(),
      cadence_from: z.enum(['headers', 'nominal']),
      is_expecting: z.boolean(),
      basis: z.string(),
      schedule_problem: z.string().nullable(),
    })
    .nullable(),
  counts: z.array(
    z.strictObject({
      from: z.string(),
      expected: z.int(),
      done: z.int(),
      degraded: z.int(),
      skipped: z.int(),
      missing: z.int(),
      pending: z.int(),
    }),
  ),
});
