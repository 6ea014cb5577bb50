/**
 * Which calibration set a group gets: by time and declination strip, never by when a table was made. Two sets that bracket
 * the group are both given, so that `calibrate` interpolates; every set that was looked at and not taken has a reason.
 */
import type { CalibrationChoice } from '../domain/catalog-command.ts';
import { type CalibrationSetRow, calibrationSetsNear, tablesOf } from './calibration-sets.ts';
import type { CatalogDatabase } from './statement.ts';

/** Sets this far away are still named when refused, so that a person sees what there was. */
const HORIZON_DAYS = 30;
const HOURS_PER_DAY = 24;
/** Half the length of a group: a set solved on the group itself is used alone. */
const OWN_GROUP_DAYS = 155 / 86_400;
/** A set from farther away than this is `borrowed`, however long the policy lets it be valid. */
export const SAME_DAY_HOURS = 12;

export interface CalibrationQuestion {
  midMjd: number;
  decDeg: number;
  validityHours: number;
  stripToleranceDeg: number;
  provisional: boolean;
}

export function chooseCalibration(database: CatalogDatabase, question: CalibrationQuestion): CalibrationChoice {
  const near = calibrationSetsNear(database, question.midMjd, Math.max(HORIZON_DAYS, question.validityHours / HOURS_PER_DAY));
  const rejected: CalibrationChoice['rejected'] = [];
  const valid: CalibrationSetRow[] = [];
  for (const set of near) {
    const reason = reasonAgainst(set, question);
    if (reason === null) valid.push(set);
    else rejected.push({ id: set.id, reason });
  }
  const taken = question.provisional ? { sets: valid.slice(0, 1), how: 'provisional' } : takeFrom(valid, question.midMjd);
  for (const set of valid) {
    if (!taken.sets.includes(set)) rejected.push({ id: set.id, reason: `a nearer set was taken (${describe(set, question.midMjd)})` });
  }
  return {
    sets: taken.sets.map((set) => ({
      id: set.id,
      productId: set.product_id,
      midMjd: set.mid_mjd,
      tables: tablesOf(database, set.id).map(({ type, apply_order: order, path }) => ({ type, order, path })),
    })),
    how: taken.how,
    rejected,
  };
}

function reasonAgainst(set: CalibrationSetRow, question: CalibrationQuestion): string | null {
  if (set.status === 'rejected') return `it failed its quality gate: ${set.reasons.join('; ')}`;
  if (set.status !== 'active') return `it is ${set.status}, not active`;
  const apartDeg = Math.abs(set.dec_deg - question.decDeg);
  if (apartDeg > question.stripToleranceDeg) {
    return `other declination strip: solved at ${set.dec_deg.toFixed(2)}°, ${apartDeg.toFixed(2)}° away (limit ${question.stripToleranceDeg}°)`;
  }
  const apartHours = Math.abs(set.mid_mjd - question.midMjd) * HOURS_PER_DAY;
  if (apartHours > question.validityHours) return `${describe(set, question.midMjd)}, valid for ${question.validityHours} h`;
  if (question.provisional) return null;
  if (question.midMjd < set.valid_start_mjd || question.midMjd > set.valid_end_mjd) {
    return `${describe(set, question.midMjd)}, outside the validity it was registered with`;
  }
  return null;
}

/** `valid` is ordered by distance in time. */
function takeFrom(valid: readonly CalibrationSetRow[], midMjd: number): { sets: CalibrationSetRow[]; how: string } {
  const [nearest] = valid;
  if (nearest === undefined) return { sets: [], how: 'none' };
  const distanceDays = Math.abs(nearest.mid_mjd - midMjd);
  if (distanceDays <= OWN_GROUP_DAYS) return { sets: [nearest], how: 'same-group' };
  if (distanceDays * HOURS_PER_DAY > SAME_DAY_HOURS) return { sets: [nearest], how: 'borrowed' };
  // Phases of two sets can only be interpolated when both are against the same antenna.
  const other = valid.find(
    (set) =>
      set.mid_mjd > midMjd !== nearest.mid_mjd > midMjd &&
      set.reference_antenna === nearest.reference_antenna &&
      Math.abs(set.mid_mjd - midMjd) * HOURS_PER_DAY <= SAME_DAY_HOURS,
  );
  if (other === undefined) return { sets: [nearest], how: 'same-day' };
  return { sets: [nearest, other].sort((one, two) => one.mid_mjd - two.mid_mjd), how: 'bracketed' };
}

function describe(set: CalibrationSetRow, midMjd: number): string {
  const hours = (midMjd - set.mid_mjd) * HOURS_PER_DAY;
  return `${Math.abs(hours).toFixed(1)} h ${hours >= 0 ? 'before' : 'after'} the group`;
}
