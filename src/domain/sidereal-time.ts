/**
 * Mean sidereal time from UTC, for clocks that people read. UT1 is taken as UTC, so it is right to 0.9 s; positions on the
 * sky are computed by the science programs, never from this.
 */
import { unixMsToJd } from './utc.ts';

const J2000_JD = 2_451_545;
const ARCSEC_PER_TURN = 1_296_000;

/** Earth rotation angle plus the accumulated precession in right ascension (Capitaine, Wallace & Chapront 2003, eq. 42). */
export function localSiderealHours(unixMs: number, longitudeDeg: number): number {
  const days = unixMsToJd(unixMs) - J2000_JD;
  const centuries = days / 36_525;
  const rotationTurns = 0.779_057_273_264 + days + 0.002_737_811_911_354_48 * days;
  const precessionArcsec = 0.014_506 + 4612.156_534 * centuries + 1.391_581_7 * centuries ** 2;
  const turns = rotationTurns + precessionArcsec / ARCSEC_PER_TURN + longitudeDeg / 360;
  return (((turns % 1) + 1) % 1) * 24;
}
