/**
 * Which images a mosaic is made of, and why others are not: those of its strip whose observation has its middle in the range, and the
 * nearest before and after. Read anew at every look, from what the database holds now.
 */
import { z } from 'zod';
import { degradedReasonSchema, groupStateSchema } from '../domain/group-state.ts';
import {
  type LeftOutMember,
  type MosaicInput,
  type MosaicMember,
  type MosaicPlan,
  STRIP_HALF_WIDTH_DEG,
  stripLabel,
} from '../domain/mosaic.ts';
import { type MosaicParameters, type MosaicTier, mosaicParameters, reasonAgainst } from '../domain/mosaic-tier.ts';
import { imageFiles } from './images.ts';
import { currentMosaic, membersOfMosaic } from './mosaics.ts';
import { type CatalogDatabase, jsonColumn, rowsOf, valuesOf } from './statement.ts';

const observedRow = z.object({
  group_id: z.string(),
  state: groupStateSchema,
  step: z.string().nullable(),
  error_message: z.string().nullable(),
  mid_mjd: z.number(),
  image_id: z.int().nullable(),
  image_status: z.string().nullable(),
  content_hash: z.string().nullable(),
  degraded_reasons: jsonColumn(z.array(degradedReasonSchema)).nullable(),
  qa_verdict: z.enum(['pass', 'warn', 'fail']).nullable(),
  qa_checks: jsonColumn(z.array(z.looseObject({ name: z.string(), passed: z.boolean() }))).nullable(),
  width_px: z.int().nullable(),
  cell_arcsec: z.number().nullable(),
  ra_deg: z.number().nullable(),
  dec_deg: z.number().nullable(),
});
type Observed = z.infer<typeof observedRow>;

/** The middle of an observation, from the header alone: header_t0_mjd is the middle of its first integration. */
export const MIDDLE_MJD = 'g.header_t0_mjd + (g.integrations - 1) * g.integration_s / 2.0 / 86400.0';

export function planMosaic(database: CatalogDatabase, input: MosaicInput): MosaicPlan {
  const groups = observed(database, input);
  const members: MosaicMember[] = [];
  const leftOut: LeftOutMember[] = [];
  for (const group of groups) {
    const reason = reasonAgainstMember(group, input.tier);
    const { group_id: groupId, image_id: imageProductId, content_hash: contentHash } = group;
    if (reason !== null || imageProductId === null || contentHash === null) {
      leftOut.push({ groupId, imageProductId, reason: reason ?? 'no image was made of it' });
      continue;
    }
    const { image, beam, residual } = imageFiles(database, imageProductId);
    if (image === undefined || beam === undefined || residual === undefined) {
      throw new Error(`image ${imageProductId} of ${groupId} has no row of its planes image, beam and residual`);
    }
    members.push({ imageProductId, groupId, contentHash, files: { image, beam, residual } });
  }
  const parameters = mosaicParameters(
    input,
    groups.flatMap(({ cell_arcsec }) => cell_arcsec ?? []),
  );
  return {
    members,
    leftOut,
    open: groups.filter(mayStillCome).map(({ group_id }) => group_id),
    covers: groups.flatMap(({ ra_deg: raDeg, dec_deg: decDeg }) => (raDeg === null || decDeg === null ? [] : [{ raDeg, decDeg }])),
    halfTileDeg: Math.max(0, ...groups.map(({ width_px, cell_arcsec }) => ((width_px ?? 0) * (cell_arcsec ?? 0)) / 2 / 3600)),
    parameters,
    isMade: isMade(database, input.name, members, parameters),
  };
}

function observed(database: CatalogDatabase, input: MosaicInput): Observed[] {
  const { startMjd, endMjd, neighbours, neighbourDays, decDeg } = input;
  const rows = rowsOf(
    database,
    observedRow,
    `SELECT g.group_id, g.state, g.step, g.error_message, ${MIDDLE_MJD} AS mid_mjd, p.id AS image_id, p.status AS image_status, p.content_hash,
       p.degraded_reasons, i.qa_verdict, i.qa_checks, i.width_px, i.cell_arcsec, COALESCE(i.centre_ra_deg, m.ra_deg) AS ra_deg,
       COALESCE(i.centre_dec_deg, m.dec_deg) AS dec_deg
     FROM groups g
     LEFT JOIN products p ON p.group_id = g.group_id AND p.kind = 'image' AND p.status IN ('current', 'stale')
     LEFT JOIN images i ON i.product_id = p.id
     LEFT JOIN products c ON c.group_id = g.group_id AND c.kind = 'ms' AND c.status IN ('current', 'stale')
     LEFT JOIN ms_index m ON m.product_id = c.id
     WHERE g.header_t0_mjd BETWEEN :startMjd - :neighbourDays - 1 AND :endMjd + :neighbourDays
       AND ${MIDDLE_MJD} >= :startMjd - :neighbourDays AND ${MIDDLE_MJD} < :endMjd + :neighbourDays
       AND abs(g.dec_deg - :decDeg) <= :halfWidthDeg
     ORDER BY mid_mjd, g.group_id`,
    { startMjd, endMjd, neighbourDays, decDeg, halfWidthDeg: STRIP_HALF_WIDTH_DEG },
  );
  const before = rows.filter(({ mid_mjd }) => mid_mjd < startMjd);
  const after = rows.filter(({ mid_mjd }) => mid_mjd >= endMjd);
  const inside = rows.filter(({ mid_mjd }) => mid_mjd >= startMjd && mid_mjd < endMjd);
  return [...before.slice(Math.max(0, before.length - neighbours)), ...inside, ...after.slice(0, neighbours)];
}

const WORKED_ON: readonly Observed['state'][] = ['collecting', 'pending', 'in_progress'];
const mayStillCome = ({ state, image_status }: Observed): boolean => WORKED_ON.includes(state) || image_status === 'stale';

/** Why this group is no member, in words; null: it is one. */
function reasonAgainstMember(group: Observed, tier: MosaicTier): string | null {
  if (group.image_id === null) return reasonWithoutImage(group);
  if (group.image_status === 'stale') return 'its image is stale: what it was made from was superseded';
  const { qa_verdict: verdict, qa_checks: checks, degraded_reasons: degradedReasons } = group;
  return reasonAgainst({ verdict, checks: checks ?? [], degradedReasons: degradedReasons ?? [] }, tier);
}

function reasonWithoutImage({ state, step, error_message: message }: Observed): string {
  switch (state) {
    case 'collecting':
    case 'pending':
    case 'in_progress':
      return `not finished: ${state}${step === null ? '' : ` at ${step}`}`;
    case 'needs_attention':
      return `it waits for a person${message === null ? '' : `: ${message}`}`;
    case 'failed':
    case 'cancelled':
      return `it was ${state === 'failed' ? 'given up' : 'cancelled'}${message === null ? '' : `: ${message}`}`;
    case 'completed':
      return 'no image was made of it';
    default:
      return state satisfies never;
  }
}

function isMade(database: CatalogDatabase, name: string, members: readonly MosaicMember[], parameters: MosaicParameters): boolean {
  const made = currentMosaic(database, name);
  if (made === null || made.status !== 'current') return false;
  const asked = new Set(members.map(({ imageProductId }) => imageProductId));
  // A member that the program refused is known, and would be refused again.
  const known = membersOfMosaic(database, made.product_id).flatMap(({ image_product_id: id }) =>
    id !== null && asked.has(id) ? [id] : [],
  );
  const tiles = membersOfMosaic(database, made.product_id).filter(({ is_tile }) => is_tile);
  const { tier, cellArcsec, splineOrder, pbCut } = made.parameters;
  return (
    new Set(known).size === asked.size &&
    tiles.every(({ image_product_id: id }) => id !== null && asked.has(id)) &&
    tier === parameters.tier &&
    cellArcsec === parameters.cellArcsec &&
    splineOrder === parameters.splineOrder &&
    pbCut === parameters.pbCut
  );
}

/** Strips with images whose observation has its middle in the range, as labels. */
export const stripsBetween = (database: CatalogDatabase, { startMjd, endMjd }: Pick<MosaicInput, 'startMjd' | 'endMjd'>): string[] => {
  const declinations = valuesOf(
    database,
    z.number(),
    `SELECT DISTINCT g.dec_deg FROM groups g JOIN images i ON i.group_id = g.group_id JOIN products p ON p.id = i.product_id
     WHERE ${MIDDLE_MJD} >= :startMjd AND ${MIDDLE_MJD} < :endMjd AND p.status IN ('current', 'stale') ORDER BY g.dec_deg`,
    { startMjd, endMjd },
  );
  return [...new Set(declinations.map(stripLabel))];
};
