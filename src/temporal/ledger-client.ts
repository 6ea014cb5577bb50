/** A person's explanation of a ledger row, on its way to the writer of the database. */
import type { Client } from '@temporalio/client';
import { type Annotation, LEDGER_WORKFLOWS } from '../domain/ledger-command.ts';
import { tellCatalog } from './catalog-word.ts';

/** False: there is no such row. */
export const annotateLedger = (client: Client, annotation: Annotation): Promise<boolean> =>
  tellCatalog(client, LEDGER_WORKFLOWS.annotation, annotation, 'explanation');
