/** What workflows ask of the catalog queue for the ledger. Both commands may be sent again and then change nothing. */
import { z } from 'zod';
import { reasonSchema } from './operator-request.ts';

export const annotationSchema = z.strictObject({
  rowId: z.int().positive(),
  by: z.string().trim().min(1).max(100),
  via: z.enum(['cli', 'api']),
  reason: reasonSchema,
  /** Of this request alone: told twice, it is one audit entry. */
  requestId: z.string().min(1),
});
export type Annotation = z.infer<typeof annotationSchema>;

export interface LedgerActivities {
  /** One look at what the telescope should have produced by now. Answers what is expected, in words. */
  lookAtLedger(): Promise<{ isExpecting: boolean; basis: string }>;
  /** A person's explanation of a row; false when there is no such row. */
  annotateLedger(annotation: Annotation): Promise<boolean>;
}

export const LEDGER_WORKFLOWS = { expectation: 'ledgerExpectation', annotation: 'ledgerAnnotation' } as const;
