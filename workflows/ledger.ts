/**
 * Two small workflows around one catalog command each: the look at the ledger that a schedule starts every minute, and a
 * person's explanation of a row. The database has one writer; this is how others reach it.
 */
import { proxyActivities } from '@temporalio/workflow';
import type { LedgerActivities } from '../activities/contract.ts';
import type { Annotation } from '../src/domain/ledger-command.ts';
import { catalogOptions } from './activity-options.ts';

export const ledgerExpectation = (): Promise<{ isExpecting: boolean; basis: string }> =>
  proxyActivities<LedgerActivities>(catalogOptions('live')).lookAtLedger();

export const ledgerAnnotation = (annotation: Annotation): Promise<boolean> =>
  proxyActivities<LedgerActivities>(catalogOptions('ondemand')).annotateLedger(annotation);
