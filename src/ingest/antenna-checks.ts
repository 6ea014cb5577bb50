/**
 * Stations of a file: every index known and placed near the site, and the site the one we work for.
 * Antenna indices are 0-based (station − 1); names are never used to find a position.
 */
import type { Site } from './header-facts.ts';
import type { RawHeader } from './raw-header.ts';
import type { Rectangle } from './rectangle.ts';
import { refuse } from './rejection.ts';

const FARTHEST_ANTENNA_M = 5000;
const SAME_SITE_M = 1000;
/** WGS84. */
const EQUATOR_RADIUS_M = 6_378_137;
const ECCENTRICITY_SQUARED = 6.694_379_990_14e-3;

export function checkAntennas(header: RawHeader, { ant1, ant2 }: Rectangle): void {
  const { antennaNumbers, antennaPositionsM, antennaPositionsShape: shape, antennaNames } = header;
  const antennas = antennaNumbers.length;
  if (shape.length !== 2 || shape[0] !== antennas || shape[1] !== 3) {
    refuse('BadShape', `antenna_positions has shape (${shape.join(', ')}), antenna_numbers has ${antennas}`);
  }
  if (antennaNames.length !== antennas) refuse('BadShape', `${antennaNames.length} antenna_names, ${antennas} antenna_numbers`);
  const indexOf = new Map(Array.from(antennaNumbers, (number, index) => [number, index]));
  if (indexOf.size !== antennas) refuse('BadAntennas', 'antenna_numbers holds a number twice');
  const used = new Set([...ant1, ...ant2]);
  for (const number of used) {
    const index = indexOf.get(number);
    if (index === undefined) refuse('BadAntennas', `antenna ${number} is not in antenna_numbers`);
    const distanceM = Math.hypot(...antennaPositionsM.subarray(3 * index, 3 * index + 3));
    if (!(distanceM <= FARTHEST_ANTENNA_M)) {
      refuse('BadAntennas', `antenna ${number} (station ${antennaNames[index]}) is ${(distanceM / 1000).toFixed(3)} km from the site`);
    }
  }
  if (used.size < 2) refuse('BadAntennas', `${used.size} antenna in the data, at least 2 expected`);
  if (ant1.every((number, baseline) => number === ant2[baseline])) refuse('BadAntennas', 'autocorrelations only');
  const { Nants_data } = header.counts;
  if (Nants_data !== null && Nants_data !== used.size)
    refuse('BadShape', `Nants_data is ${Nants_data}, the rows hold ${used.size} antennas`);
}

export function checkSite(header: RawHeader, expected: Site): void {
  const found: Site = { latDeg: header.latitudeDeg, lonDeg: header.longitudeDeg, heightM: header.altitudeM };
  const [a, b] = [geocentricM(found), geocentricM(expected)];
  const distanceM = Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
  if (!(distanceM <= SAME_SITE_M)) {
    refuse('ForeignSite', `header site ${siteText(found)}, configured ${siteText(expected)}: ${(distanceM / 1000).toFixed(1)} km apart`);
  }
}

const siteText = ({ latDeg, lonDeg, heightM }: Site): string => `${latDeg.toFixed(4)}° ${lonDeg.toFixed(4)}° ${heightM.toFixed(0)} m`;

function geocentricM({ latDeg, lonDeg, heightM }: Site): readonly [number, number, number] {
  const [lat, lon] = [(latDeg * Math.PI) / 180, (lonDeg * Math.PI) / 180];
  const normalM = EQUATOR_RADIUS_M / Math.sqrt(1 - ECCENTRICITY_SQUARED * Math.sin(lat) ** 2);
  const axisM = (normalM + heightM) * Math.cos(lat);
  return [axisM * Math.cos(lon), axisM * Math.sin(lon), (normalM * (1 - ECCENTRICITY_SQUARED) + heightM) * Math.sin(lat)];
}
