/**
 * The apparent declination the data were fringe-stopped to, and whether that is known at all. The label `drift` says
 * nothing true about the phase centre and is not asked.
 */
import type { RawHeader } from './raw-header.ts';
import { refuse } from './rejection.ts';

const LOWEST_DEC_RAD = (-40 * Math.PI) / 180;
const POLE_RAD = Math.PI / 2;
/** Two places of one number: they may differ by rounding only. */
const SAME_DEC_RAD = 1e-9;

export function declinationRad(header: RawHeader): number {
  checkPhaseCentre(header);
  const decRad = header.decKeywordRad ?? header.decAppRad ?? header.decHeaderRad;
  if (decRad === null)
    refuse('BadPointing', 'no declination: extra_keywords/phase_center_dec, phase_center_app_dec and phase_center_dec are absent');
  if (!(decRad >= LOWEST_DEC_RAD && decRad <= POLE_RAD)) refuse('BadPointing', `declination ${decRad} rad is not within −40…90°`);
  for (const other of [header.decAppRad, header.decHeaderRad]) {
    if (other !== null && !(Math.abs(other - decRad) <= SAME_DEC_RAD)) {
      refuse('BadPointing', `declinations disagree: ${decRad} and ${other} rad`);
    }
  }
  return decRad;
}

function checkPhaseCentre(header: RawHeader): void {
  const { haPhaseCentreRad, phaseCentreEpoch, phaseType, catalogueTypes } = header;
  if (haPhaseCentreRad !== null && haPhaseCentreRad !== 0)
    refuse('UnknownPhaseCentre', `ha_phase_center is ${haPhaseCentreRad} rad, expected 0`);
  if (phaseCentreEpoch !== null && phaseCentreEpoch.toUpperCase() !== 'HADEC') {
    refuse('UnknownPhaseCentre', `phase_center_epoch is ${phaseCentreEpoch}, expected HADEC`);
  }
  if (phaseCentreEpoch === null && header.decAppRad === null) {
    refuse('UnknownPhaseCentre', 'neither phase_center_epoch nor phase_center_app_dec says what the declination is');
  }
  if (phaseType === 'phased') refuse('UnknownPhaseCentre', 'phase_type is phased, expected drift');
  if (catalogueTypes !== null && (catalogueTypes.length !== 1 || catalogueTypes[0] !== 'unprojected')) {
    refuse('UnknownPhaseCentre', `phase centre catalogue holds [${catalogueTypes.join(', ')}], expected one unprojected entry`);
  }
}
