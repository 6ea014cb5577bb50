/**
 * The morning after: holds ledger, products, raw files, disk and Temporal against the truth of a night, and says in words
 * what does not fit. An empty answer means that every group ended once, with a reason, and nothing else was touched.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { absolutePathSql } from '../../src/catalog/storage-locations.ts';
import type { LeftFile } from './correlator.ts';
import { isRefused, REFUSED_AS } from './night-plan.ts';
import type { NightRow, NightTruth } from './night-rows.ts';
import type { WholePipeline } from './whole-pipeline.ts';

/** The newest look at a path. */
const VERDICT = `SELECT f.status, f.reason FROM subband_files f JOIN storage_locations l ON l.name = f.location
  WHERE ${absolutePathSql('f', 'l')} = ? ORDER BY f.id DESC LIMIT 1`;
const STATE_OF = { done: 'completed', degraded: 'completed', skipped: 'cancelled' } as const;

/** `kinds`: current products of a group that ended with any. */
export function auditNight(pipeline: WholePipeline, truth: NightTruth, left: readonly LeftFile[], kinds: string): string[] {
  const rows = truth.rows(pipeline);
  return [
    ...auditLedger(pipeline, truth, rows),
    ...auditProducts(pipeline, rows, kinds),
    ...auditSteps(pipeline),
    ...auditScratch(pipeline),
    ...left.flatMap((file) => auditRawFile(pipeline, file)),
  ];
}

function auditLedger(pipeline: WholePipeline, truth: NightTruth, rows: readonly NightRow[]): string[] {
  const counts = Map.groupBy(rows, (row) => truth.keyOfRow(row));
  const lost = truth.keys().flatMap((key) => (counts.has(key) ? [] : [`no group at ${key}: lost`]));
  const double = [...counts].flatMap(([key, same]) => (same.length > 1 ? [`${same.length} groups at ${key}`] : []));
  const wrong = rows.flatMap((row) => {
    const { ends } = row.expected;
    const fits = row.outcome === ends && row.state === STATE_OF[ends];
    return fits ? [] : [`${row.group_id} is ${row.state}, ledger ${row.outcome ?? 'without a row'}; it must end as ${ends}`];
  });
  const silent = rows.flatMap((row) => ((row.reason ?? '').trim() === '' ? [`the ledger gives no reason for ${row.group_id}`] : []));
  const open = pipeline.read<{ expected_at: string }>(`SELECT expected_at FROM ledger WHERE outcome = 'pending'`);
  return [...lost, ...double, ...wrong, ...silent, ...open.map(({ expected_at }) => `the ledger row of ${expected_at} is open`)];
}

/**
 * One current product of each wanted kind of each group that ended with any, none of the others; on disk what is on record.
 * Sets that failed their validation are no products: they lie in `failed/` for people.
 */
function auditProducts(pipeline: WholePipeline, rows: readonly NightRow[], wantedKinds: string): string[] {
  const products = pipeline.read<{ group_id: string; kind: string; status: string; path: string }>(
    `SELECT p.group_id, p.kind, p.status, ${absolutePathSql('p', 'l')} AS path FROM products p JOIN storage_locations l ON l.name = p.location`,
  );
  const current = Map.groupBy(
    products.filter(({ status, kind }) => status === 'current' && kind !== 'calibration_set'),
    ({ group_id }) => group_id,
  );
  const wrong = rows.flatMap((row) => {
    const kinds = (current.get(row.group_id) ?? []).map(({ kind }) => kind).sort();
    const wanted = row.expected.ends === 'skipped' ? '' : wantedKinds;
    return kinds.join(' ') === wanted ? [] : [`${row.group_id} ended as ${row.expected.ends} with current products [${kinds.join(' ')}]`];
  });
  const onRecord = new Set(products.map(({ path }) => path));
  const gone = [...onRecord].flatMap((path) => (existsSync(path) ? [] : [`${path} is on record and not on disk`]));
  const published = join(pipeline.products, 'ms');
  const sets = readdirSync(published, { recursive: true, encoding: 'utf8' }).filter(
    (path) => path.endsWith('.ms') && !path.startsWith('failed/'),
  );
  const unknown = sets.flatMap((path) => (onRecord.has(join(published, path)) ? [] : [`${path} is on disk and not on record`]));
  return [...wrong, ...gone, ...unknown];
}

/** A step that was done is not done again in the same run, whatever was killed around it, unless a person went back to it. */
const auditSteps = (pipeline: WholePipeline): string[] =>
  pipeline
    .read<{ group_id: string; step: string; n: number }>(
      `SELECT group_id, step, count(*) AS n FROM step_attempts WHERE outcome = 'done' AND step <> 'claimHost' AND group_id NOT IN (SELECT target FROM audit WHERE verb = 'resume')
       GROUP BY run_id, step HAVING count(*) > 1`,
    )
    .map(({ group_id, step, n }) => `${step} of ${group_id} was done ${n} times in one run`);

/** Scratch is given back; only the folders of failed attempts may stay, with their capsule. */
function auditScratch(pipeline: WholePipeline): string[] {
  const scratch = pipeline.settings.paths.scratch;
  const entries = existsSync(scratch) ? readdirSync(scratch, { recursive: true, encoding: 'utf8' }) : [];
  const attempts = entries.filter((path) => path.split('/').length === 3);
  return attempts.flatMap((path) => (existsSync(join(scratch, path, 'capsule.json')) ? [] : [`scratch was left behind: ${path}`]));
}

function auditRawFile(pipeline: WholePipeline, file: LeftFile): string[] {
  const findings: string[] = [];
  if (!existsSync(file.path)) return [`the raw file ${file.path} is gone`];
  if (createHash('sha256').update(readFileSync(file.path)).digest('hex') !== file.sha256)
    findings.push(`the raw file ${file.path} was changed`);
  if (isRefused(file.fate)) {
    const [row] = pipeline.read<{ status: string; reason: string | null }>(VERDICT, file.path);
    const codes: readonly string[] = REFUSED_AS[file.fate];
    const code = row?.reason?.split(':')[0] ?? 'no reason';
    if (row?.status !== 'invalid' || !codes.includes(code)) {
      findings.push(`${file.path} (${file.fate}) is ${row?.status ?? 'unknown'}: ${code}; expected invalid: ${codes.join(' or ')}`);
    }
  }
  return findings;
}
