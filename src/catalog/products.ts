/**
 * Every version of everything made. The same path is the same product; a newer one of a group supersedes, and what was
 * made from the superseded one becomes stale. "Newer" is by run, then by attempt, never by time of arrival.
 */
import { z } from 'zod';
import type { ProductRecord } from '../domain/catalog-command.ts';
import { StepError } from '../domain/failure.ts';
import { degradedReasonSchema } from '../domain/group-state.ts';
import { appendEvent } from './events.ts';
import { type CatalogDatabase, type SqlParameters, jsonColumn, rowOf, rowsOf, runSql } from './statement.ts';
import { planRerunsAfter } from './reruns.ts';
import { absolutePathSql, storedPath } from './storage-locations.ts';

const PRODUCT_KINDS = ['ms', 'calibration_set', 'image', 'mosaic', 'catalogue'] as const;
export const PRODUCT_STATUSES = ['current', 'superseded', 'stale', 'retired', 'deleted'] as const;

/** `path` is absolute here; the table stores it relative to `location`. */
export const productRow = z.object({
  id: z.int(),
  kind: z.enum(PRODUCT_KINDS),
  group_id: z.string().nullable(),
  location: z.string(),
  path: z.string(),
  content_hash: z.string(),
  bytes: z.int(),
  run_id: z.string(),
  run_number: z.int(),
  attempt: z.int(),
  parameters: jsonColumn(z.record(z.string(), z.unknown())),
  software: jsonColumn(z.record(z.string(), z.string())),
  degraded_reasons: jsonColumn(z.array(degradedReasonSchema)),
  status: z.enum(PRODUCT_STATUSES),
  superseded_by: z.int().nullable(),
  created_at: z.string(),
});
export type ProductRow = z.infer<typeof productRow>;

const COLUMNS = Object.keys(productRow.shape)
  .map((column) => (column === 'path' ? `${absolutePathSql('p', 'l')} AS path` : `p.${column}`))
  .join(', ');
const FROM = 'products p JOIN storage_locations l ON l.name = p.location';

export const productById = (database: CatalogDatabase, id: number): ProductRow | null =>
  rowOf(database, productRow, `SELECT ${COLUMNS} FROM ${FROM} WHERE p.id = :id`, { id });

function productByPath(database: CatalogDatabase, path: string): ProductRow | null {
  const stored = storedPath(database, path);
  return rowOf(database, productRow, `SELECT ${COLUMNS} FROM ${FROM} WHERE p.location = :location AND p.path = :path`, { ...stored });
}

/** All versions, newest first. */
export const productsOf = (database: CatalogDatabase, groupId: string): ProductRow[] =>
  rowsOf(database, productRow, `SELECT ${COLUMNS} FROM ${FROM} WHERE p.group_id = :groupId ORDER BY p.id DESC`, { groupId });

const idRow = z.object({ id: z.int() });
const insertedId = (database: CatalogDatabase, sql: string, parameters: SqlParameters): number =>
  idRow.parse(rowOf(database, idRow, sql, parameters)).id;

type Shared = Pick<
  ProductRecord,
  'runId' | 'runNumber' | 'attempt' | 'path' | 'contentHash' | 'bytes' | 'parameters' | 'software' | 'degradedReasons'
>;
/** What any product has. Without a group it has no versions here: its own kind knows what it supersedes. */
type NewProduct = Shared & { kind: ProductRow['kind']; groupId: string | null };

/**
 * Writes the product's own row, inside the caller's transaction. `usable` false: kept for people (a set that failed its
 * gate), it supersedes nothing. `fresh`: it was not recorded so before.
 */
export function writeProduct(database: CatalogDatabase, record: NewProduct, usable: boolean, at: string): { id: number; fresh: boolean } {
  const known = productByPath(database, record.path);
  if (known !== null && known.content_hash !== record.contentHash && known.run_number !== record.runNumber) {
    throw new StepError({
      type: 'Conflict',
      code: 'ProductOverwritten',
      message: `run ${record.runNumber} offers other content at ${record.path}, which run ${known.run_number} published`,
      remedy: 'A newer version needs a path of its own; compare both with the hash in the product database.',
      sideEffects: 'published',
    });
  }
  if (known !== null && (known.kind !== record.kind || known.group_id !== record.groupId)) {
    throw new Error(`${record.path} is already a product of kind ${known.kind} of group ${known.group_id}`);
  }
  if (known !== null && isRecordedAs(known, record)) return { id: known.id, fresh: false };
  const columns = {
    contentHash: record.contentHash,
    bytes: record.bytes,
    runId: record.runId,
    runNumber: record.runNumber,
    attempt: record.attempt,
    parameters: JSON.stringify(record.parameters),
    software: JSON.stringify(record.software),
    degradedReasons: JSON.stringify(record.degradedReasons),
    status: usable ? 'current' : 'retired',
  };
  const id =
    known === null
      ? insertedId(
          database,
          `INSERT INTO products (kind, group_id, location, path, content_hash, bytes, run_id, run_number, attempt, parameters,
             software, degraded_reasons, status, created_at)
           VALUES (:kind, :groupId, :location, :path, :contentHash, :bytes, :runId, :runNumber, :attempt, :parameters,
             :software, :degradedReasons, :status, :at) RETURNING id`,
          { kind: record.kind, groupId: record.groupId, ...storedPath(database, record.path), ...columns, at },
        )
      : known.id;
  if (known !== null) {
    runSql(
      database,
      `UPDATE products SET content_hash = :contentHash, bytes = :bytes, run_id = :runId, run_number = :runNumber, attempt = :attempt,
         parameters = :parameters, software = :software, degraded_reasons = :degradedReasons, status = :status, superseded_by = NULL
       WHERE id = :id`,
      { ...columns, id },
    );
  }
  const { groupId, kind } = record;
  if (usable && groupId !== null) settleVersions(database, id, { groupId, kind }, at);
  return { id, fresh: true };
}

/** The same attempt told again, or an older run's: the row holds it, or something newer, already. */
const isRecordedAs = (known: ProductRow, record: NewProduct): boolean =>
  known.content_hash === record.contentHash &&
  (known.run_number > record.runNumber ||
    (known.run_id === record.runId && known.run_number === record.runNumber && known.attempt >= record.attempt));

/** Order of making: run number, then first appearance of the run (a reset keeps the number), then attempt. */
const NEWEST_FIRST = 'p.run_number DESC, COALESCE(r.id, 0) DESC, p.attempt DESC, p.id DESC';

/** Exactly one version of (group, kind) stays current: the newest made. */
function settleVersions(database: CatalogDatabase, id: number, { groupId, kind }: { groupId: string; kind: string }, at: string): void {
  const versions = rowsOf(
    database,
    idRow,
    `SELECT p.id FROM products p LEFT JOIN group_runs r ON r.group_id = p.group_id AND r.run_id = p.run_id
     WHERE p.group_id = :groupId AND p.kind = :kind AND p.status IN ('current', 'stale') ORDER BY ${NEWEST_FIRST}`,
    { groupId, kind },
  );
  const [newest, ...older] = versions.map((row) => row.id);
  if (newest === undefined) throw new Error(`product ${id} is not among the versions of its group`);
  for (const olderId of older) supersede(database, olderId, newest, at);
}

/** Inside the caller's transaction: what was made from it becomes stale with it. */
export function supersede(database: CatalogDatabase, id: number, by: number, at: string): void {
  runSql(database, `UPDATE products SET status = 'superseded', superseded_by = :by WHERE id = :id`, { id, by });
  runSql(database, `UPDATE calibration_sets SET status = 'retired' WHERE product_id = :id AND status IN ('candidate', 'active')`, { id });
  const downstream = rowsOf(
    database,
    z.object({ id: z.int(), group_id: z.string().nullable() }),
    `WITH RECURSIVE made_from (id) AS (
       SELECT product_id FROM product_inputs WHERE input_product_id = :id
       UNION SELECT i.product_id FROM product_inputs i JOIN made_from m ON i.input_product_id = m.id)
     UPDATE products SET status = 'stale' WHERE id IN (SELECT id FROM made_from) AND id <> :by AND status = 'current'
     RETURNING id, group_id`,
    { id, by },
  );
  for (const stale of downstream) {
    const payload = { product_id: stale.id, because_of: id };
    appendEvent(database, { at, topic: 'product.stale', groupId: stale.group_id, payload });
  }
  planRerunsAfter(database, id, by, at);
}
