/** One row a mutation by a person or token, in the words of the request. Append-only; a request told twice is one row. */
import { z } from 'zod';
import type { AuditEntry } from '../domain/catalog-command.ts';
import { appendEvent } from './events.ts';
import { type CatalogDatabase, inTransaction, jsonColumn, rowsOf, runSql } from './statement.ts';

export const auditRow = z.object({
  id: z.int(),
  request_id: z.string(),
  at: z.string(),
  actor: z.string(),
  via: z.string(),
  verb: z.string(),
  target: z.string(),
  reason: z.string(),
  detail: jsonColumn(z.record(z.string(), z.unknown())),
});
export type AuditRow = z.infer<typeof auditRow>;

export function insertAudit(database: CatalogDatabase, entry: AuditEntry & { at: string }): void {
  inTransaction(database, () => {
    const { changes } = runSql(
      database,
      `INSERT INTO audit (request_id, at, actor, via, verb, target, reason, detail)
       VALUES (:requestId, :at, :actor, :via, :verb, :target, :reason, :detail) ON CONFLICT (request_id) DO NOTHING`,
      { ...entry, detail: JSON.stringify(entry.detail) },
    );
    if (changes === 0) return;
    const payload = { request_id: entry.requestId, actor: entry.actor, verb: entry.verb, target: entry.target };
    appendEvent(database, { at: entry.at, topic: 'audit', groupId: null, payload });
  });
}

/** Newest first; `target` narrows to one thing, e.g. `group/2025-10-02T00:05:18`. */
export const listAudit = (database: CatalogDatabase, filter: { target?: string; limit: number }): AuditRow[] =>
  rowsOf(database, auditRow, 'SELECT * FROM audit WHERE :target IS NULL OR target = :target ORDER BY id DESC LIMIT :limit', {
    target: filter.target ?? null,
    limit: filter.limit,
  });
