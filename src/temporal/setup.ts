/**
 * Makes the namespace, its retention and the search attributes what the pipeline needs. Idempotent: run at every start.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { SEARCH_ATTRIBUTES } from '../domain/observation-group.ts';
import { GRPC, grpcStatusOf } from './grpc-status.ts';

const DAY_MS = 86_400_000;
/** Numbers of temporal.api.enums.v1.IndexedValueType. */
const VALUE_TYPES = { KEYWORD: 2, DOUBLE: 4, BOOL: 5, DATETIME: 6 } as const;
/** A new namespace is known to all parts of the server after their caches refresh. */
const NAMESPACE_WAIT_MS = 30_000;

export interface TemporalSetup {
  createdNamespace: boolean;
  addedSearchAttributes: string[];
}

export async function setUpTemporal(connection: Connection, wanted: { namespace: string; retentionDays: number }): Promise<TemporalSetup> {
  const { namespace } = wanted;
  const retention = msToTs(wanted.retentionDays * DAY_MS);
  const current = await retentionOf(connection, namespace);
  if (current === null) {
    await connection.workflowService.registerNamespace({ namespace, workflowExecutionRetentionPeriod: retention });
  } else if (current !== wanted.retentionDays * DAY_MS) {
    await connection.workflowService.updateNamespace({ namespace, config: { workflowExecutionRetentionTtl: retention } });
  }
  const deadline = Date.now() + NAMESPACE_WAIT_MS;
  let known: Record<string, unknown>;
  for (;;) {
    try {
      known = (await connection.operatorService.listSearchAttributes({ namespace })).customAttributes;
      break;
    } catch (error) {
      if (grpcStatusOf(error) !== GRPC.notFound || Date.now() > deadline) throw error;
      await sleep(250);
    }
  }
  const missing = Object.entries(SEARCH_ATTRIBUTES).filter(([name]) => !(name in known));
  if (missing.length > 0) {
    const searchAttributes = Object.fromEntries(missing.map(([name, type]) => [name, VALUE_TYPES[type]]));
    await connection.operatorService.addSearchAttributes({ namespace, searchAttributes });
  }
  return { createdNamespace: current === null, addedSearchAttributes: missing.map(([name]) => name) };
}

/** Milliseconds, or null when there is no such namespace. */
async function retentionOf(connection: Connection, namespace: string): Promise<number | null> {
  try {
    const { config } = await connection.workflowService.describeNamespace({ namespace });
    return Number(config?.workflowExecutionRetentionTtl?.seconds ?? 0) * 1000;
  } catch (error) {
    if (grpcStatusOf(error) === GRPC.notFound) return null;
    throw error;
  }
}
