/**
 * What the product database knows of one thing in a lineage: where it is, its hash, who made it with what, and what kind of
 * thing it is in numbers. Null when there is no such thing.
 */
import { z } from 'zod';
import { type LineageKind, type LineageRef, keyOfRef } from '../domain/lineage.ts';
import type { StepName } from '../domain/step.ts';
import { productById } from './products.ts';
import { type CatalogDatabase, jsonColumn, rowOf } from './statement.ts';
import { type StepAttemptRow, attemptsOf } from './step-attempts.ts';
import { absolutePathSql } from './storage-locations.ts';

export interface LineageNode {
  key: string;
  kind: LineageKind;
  id: string;
  label: string;
  status: string | null;
  path: string | null;
  /** SHA-256 of a raw file; of a product, the digest under which it was published. */
  hash: string | null;
  software: Record<string, string> | null;
  parameters: Record<string, unknown> | null;
  /** Every try of the steps that made it, in the run that made it. */
  attempts: StepAttemptRow[];
  facts: Record<string, unknown>;
}

const STEPS_OF: Readonly<Record<'ms' | 'calibration_set' | 'image' | 'point', readonly StepName[]>> = {
  ms: ['stageToScratch', 'concat', 'organize'],
  calibration_set: ['flag', 'solve'],
  image: ['flag', 'calibrate', 'image'],
  point: ['photometry'],
};

const PLAIN = { status: null, path: null, hash: null, software: null, parameters: null, attempts: [], facts: {} };

export function lineageNode(database: CatalogDatabase, ref: LineageRef): LineageNode | null {
  const found = known(database, ref);
  return found === null ? null : { ...PLAIN, ...found, key: keyOfRef(ref), ...ref };
}

type Known = { label: string } & Partial<Omit<LineageNode, 'key' | 'kind' | 'id' | 'label'>>;

function known(database: CatalogDatabase, ref: LineageRef): Known | null {
  switch (ref.kind) {
    case 'point':
      return point(database, ref.id);
    case 'measurements':
      return batch(database, ref.id);
    case 'image':
    case 'calibration_set':
    case 'ms':
      return product(database, ref.kind, ref.id);
    case 'mosaic':
      return mosaic(database, ref.id);
    case 'file':
      return file(database, ref.id);
    case 'source':
      return row(database, sourceRow, 'SELECT name AS label, ra_deg, dec_deg, catalogue FROM sources WHERE id = :id', ref.id);
    case 'group':
      return row(database, groupRow, 'SELECT group_id AS label, state AS status, run_number FROM groups WHERE group_id = :id', ref.id);
    case 'candidate':
      return row(database, candidateRow, CANDIDATE, ref.id);
    default:
      return ref.kind satisfies never;
  }
}

const sourceRow = z.object({ label: z.string(), ra_deg: z.number(), dec_deg: z.number(), catalogue: z.string() });
const groupRow = z.object({ label: z.string(), status: z.string(), run_number: z.int() });
const candidateRow = z.object({ label: z.string(), status: z.string(), found_at: z.string() });
const CANDIDATE = `SELECT s.name AS label, c.status, c.found_at FROM candidates c JOIN sources s ON s.id = c.source_id WHERE c.id = :id`;

/** The columns `label` and `status` are the node's own, the others its facts. */
function row(database: CatalogDatabase, schema: z.ZodType<{ label: string; status?: string }>, sql: string, id: string): Known | null {
  const found = rowOf(database, schema, sql, { id });
  if (found === null) return null;
  const { label, status = null, ...facts } = found;
  return { label, status, facts };
}

const batchRow = z.object({
  group_id: z.string(),
  run_number: z.int(),
  points: z.int(),
  digest: z.string(),
  superseded: z.int(),
  degraded_reasons: jsonColumn(z.array(z.string())),
  flux_scale: z.number().nullable(),
  flux_scale_error: z.number().nullable(),
  scale_references: z.int(),
  scale_note: z.string().nullable(),
});
const BATCH_COLUMNS = Object.keys(batchRow.shape)
  .map((column) => `b.${column}`)
  .join(', ');

const madeIn = (database: CatalogDatabase, groupId: string, runNumber: number, steps: readonly StepName[]): StepAttemptRow[] => {
  const run = rowOf(
    database,
    z.object({ run_id: z.string() }),
    'SELECT run_id FROM group_runs WHERE group_id = :groupId AND run_number = :runNumber ORDER BY id DESC LIMIT 1',
    { groupId, runNumber },
  );
  return run === null ? [] : attemptsIn(database, groupId, run.run_id, steps);
};

const attemptsIn = (database: CatalogDatabase, groupId: string, runId: string, steps: readonly StepName[]): StepAttemptRow[] =>
  attemptsOf(database, groupId).filter((attempt) => attempt.run_id === runId && steps.includes(attempt.step));

function batch(database: CatalogDatabase, id: string): Known | null {
  const found = rowOf(database, batchRow, `SELECT ${BATCH_COLUMNS} FROM measurement_batches b WHERE b.id = :id`, { id });
  if (found === null) return null;
  const { group_id, run_number, digest, superseded, ...facts } = found;
  const attempts = madeIn(database, group_id, run_number, STEPS_OF.point);
  return { label: `${facts.points} points of ${group_id}`, status: statusOf(superseded), hash: digest, attempts, facts };
}

const statusOf = (superseded: number): string => (superseded === 1 ? 'superseded' : 'current');

const pointRow = batchRow.omit({ points: true, digest: true }).extend({
  name: z.string(),
  mjd: z.number(),
  flux_jy: z.number(),
  error_jy: z.number(),
  normalised_flux_jy: z.number().nullable(),
  normalised_error_jy: z.number().nullable(),
});

function point(database: CatalogDatabase, id: string): Known | null {
  const found = rowOf(
    database,
    pointRow,
    `SELECT s.name, m.mjd, m.flux_jy, m.error_jy, m.normalised_flux_jy, m.normalised_error_jy, ${BATCH_COLUMNS}
     FROM measurements m JOIN measurement_batches b ON b.id = m.batch_id JOIN sources s ON s.id = m.source_id WHERE m.id = :id`,
    { id },
  );
  if (found === null) return null;
  const { name, group_id, run_number, superseded, ...facts } = found;
  const attempts = madeIn(database, group_id, run_number, STEPS_OF.point);
  return { label: `${name} at MJD ${facts.mjd.toFixed(6)}`, status: statusOf(superseded), attempts, facts };
}

const solvedOnRow = z.object({ calibrator: z.string(), calibrator_kind: z.string(), calibrator_catalogue: z.string().nullable() });
const SOLVED_ON = 'SELECT calibrator, calibrator_kind, calibrator_catalogue FROM calibration_sets WHERE product_id = :id';

function product(database: CatalogDatabase, kind: 'ms' | 'calibration_set' | 'image', id: string): Known | null {
  const found = productById(database, Number(id));
  if (found === null || found.kind !== kind) return null;
  const { group_id: groupId, path, content_hash: hash, status, software, parameters, bytes, run_id: runId, degraded_reasons } = found;
  const attempts = groupId === null ? [] : attemptsIn(database, groupId, runId, STEPS_OF[kind]);
  const solvedOn = kind === 'calibration_set' ? rowOf(database, solvedOnRow, SOLVED_ON, { id: found.id }) : {};
  const facts = { group_id: groupId, run_id: runId, bytes, degraded_reasons, created_at: found.created_at, ...solvedOn };
  return { label: groupId ?? path, status, path, hash, software, parameters, attempts, facts };
}

const mosaicRow = z.object({ name: z.string(), tier: z.string(), tiles: z.int(), noise_jy: z.number(), qa_verdict: z.string() });

function mosaic(database: CatalogDatabase, id: string): Known | null {
  const found = rowOf(database, mosaicRow, 'SELECT name, tier, tiles, noise_jy, qa_verdict FROM mosaics WHERE product_id = :id', { id });
  const made = productById(database, Number(id));
  if (found === null || made === null) return null;
  const { name, ...facts } = found;
  const { path, content_hash: hash, status, software, parameters, run_id: runId, bytes, created_at } = made;
  return { label: name, status, path, hash, software, parameters, facts: { ...facts, run_id: runId, bytes, created_at } };
}

const fileRow = z.object({
  path: z.string(),
  status: z.string(),
  bytes: z.int(),
  subband: z.int(),
  group_id: z.string().nullable(),
  header_digest: z.string().nullable(),
  input_hash: z.string().nullable(),
});

/** The hash is the one the conversion took while it read the file. */
function file(database: CatalogDatabase, id: string): Known | null {
  const found = rowOf(
    database,
    fileRow,
    `SELECT ${absolutePathSql('f', 'l')} AS path, f.status, f.bytes, f.subband, f.group_id, f.header_digest,
       (SELECT i.input_hash FROM product_inputs i WHERE i.input_file_id = f.id ORDER BY i.product_id DESC LIMIT 1) AS input_hash
     FROM subband_files f JOIN storage_locations l ON l.name = f.location WHERE f.id = :id`,
    { id },
  );
  if (found === null) return null;
  const { path, status, input_hash: hash, ...facts } = found;
  return { label: path.slice(path.lastIndexOf('/') + 1), status, path, hash, facts };
}
