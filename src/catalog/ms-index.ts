/** One row a Measurement Set product: what it covers and how good its samples are. */
import { z } from 'zod';
import type { ProductRecord } from '../domain/catalog-command.ts';
import { type Lacking, describeLacking, lackingIn } from '../domain/degradation.ts';
import { addFileInput } from './lineage.ts';
import { type CatalogDatabase, jsonColumn, rowOf, rowsOf, runSql } from './statement.ts';

export const msIndexRow = z.object({
  product_id: z.int(),
  group_id: z.string(),
  kind: z.enum(['science', 'calibrator', 'failed']),
  calibrator: z.string().nullable(),
  start_mjd: z.number(),
  mid_mjd: z.number(),
  end_mjd: z.number(),
  ra_deg: z.number(),
  dec_deg: z.number(),
  integrations: z.int(),
  channels: z.int(),
  data_rows: z.int(),
  subbands_present: jsonColumn(z.array(z.int())),
  missing: jsonColumn(z.array(z.looseObject({ subband: z.int(), integrations: z.array(z.int()) }))),
  flagged_fraction: z.number(),
  cal_status: z.enum(['none', 'applied']),
});
export type MsIndexRow = z.infer<typeof msIndexRow>;

export function writeMeasurementSet(database: CatalogDatabase, productId: number, record: Extract<ProductRecord, { kind: 'ms' }>): void {
  const { concat, classification, groupId } = record;
  runSql(
    database,
    `INSERT OR REPLACE INTO ms_index (product_id, group_id, kind, calibrator, start_mjd, mid_mjd, end_mjd, ra_deg, dec_deg,
       integrations, channels, data_rows, subbands_present, missing, flagged_fraction, cal_status)
     VALUES (:productId, :groupId, :kind, :calibrator, :startMjd, :midMjd, :endMjd, :raDeg, :decDeg,
       :times, :channels, :rows, :subbandsPresent, :missing, :flaggedFraction, 'none')`,
    {
      productId,
      groupId,
      kind: classification.kind,
      calibrator: classification.calibrator,
      startMjd: concat.startMjd,
      midMjd: concat.midMjd,
      endMjd: concat.endMjd,
      raDeg: concat.raDeg,
      decDeg: concat.decDeg,
      times: concat.times,
      channels: concat.channels,
      rows: concat.rows,
      subbandsPresent: JSON.stringify(concat.subbandsPresent),
      missing: JSON.stringify(concat.missing),
      flaggedFraction: concat.flaggedFraction,
    },
  );
  for (const { subband, bytes, sha256 } of concat.inputs) addFileInput(database, productId, { groupId, subband, bytes, sha256 });
}

/** A calibration was applied on the way to a product made from this Measurement Set. */
export function markCalibrated(database: CatalogDatabase, productId: number): void {
  runSql(database, `UPDATE ms_index SET cal_status = 'applied' WHERE product_id = :productId`, { productId });
}

export interface SetCompleteness {
  integrations: number;
  lacking: Lacking;
}

/** Of the group's current Measurement Set; null when there is none yet. */
export function completenessOfGroup(database: CatalogDatabase, groupId: string): SetCompleteness | null {
  const current = rowOf(
    database,
    msIndexRow,
    `SELECT m.* FROM products p JOIN ms_index m ON m.product_id = p.id
     WHERE p.group_id = :groupId AND p.kind = 'ms' AND p.status = 'current'`,
    { groupId },
  );
  if (current === null) return null;
  const { integrations, missing, subbands_present: subbandsPresent } = current;
  return { integrations, lacking: lackingIn({ missing, subbandsPresent }) };
}

/** In words, one entry a subband; empty when nothing lacks, or when there is no set yet. */
export function lackingOfGroup(database: CatalogDatabase, groupId: string): string[] {
  const set = completenessOfGroup(database, groupId);
  return set === null ? [] : describeLacking(set.lacking);
}

/** Current Measurement Sets whose middle lies in `[startMjd, endMjd)`. */
export const measurementSetsBetween = (database: CatalogDatabase, startMjd: number, endMjd: number): MsIndexRow[] =>
  rowsOf(
    database,
    msIndexRow,
    `SELECT m.* FROM ms_index m JOIN products p ON p.id = m.product_id
     WHERE m.mid_mjd >= :startMjd AND m.mid_mjd < :endMjd AND p.status IN ('current', 'stale') ORDER BY m.mid_mjd`,
    { startMjd, endMjd },
  );
