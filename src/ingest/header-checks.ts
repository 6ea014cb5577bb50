/**
 * Judges a header that could be read: shapes, times, clock, frequencies, pointing, antennas, site. The first fault is
 * thrown as HeaderRefused with both values in its words. Pure: the same header always gives the same verdict.
 */
import { checkAntennas, checkSite } from './antenna-checks.ts';
import { checkFrequencies, checkProducts } from './frequency-checks.ts';
import { gridDigestOf, headerDigestOf } from './digests.ts';
import type { HeaderFacts, Site } from './header-facts.ts';
import { declinationRad } from './pointing-checks.ts';
import type { RawHeader } from './raw-header.ts';
import { refuse } from './rejection.ts';
import { rectangleOf } from './rectangle.ts';
import { checkClock, integrationSeconds } from './time-checks.ts';

export interface NameClaims {
  subband: number;
  /** The time in the file's name, UTC. */
  nameTimeText: string;
}

export function judgeHeader(header: RawHeader, claims: NameClaims, site: Site, dataFingerprint: string): HeaderFacts {
  const rectangle = rectangleOf(header);
  checkShapes(header);
  const integrationS = integrationSeconds(header, rectangle.timesJd);
  const t0Jd = rectangle.timesJd[0] ?? refuse('BadTimes', 'time_array is empty');
  checkClock(t0Jd, claims.nameTimeText);
  checkFrequencies(header, claims.subband);
  checkProducts(header);
  const decRad = declinationRad(header);
  checkAntennas(header, rectangle);
  checkSite(header, site);
  return {
    t0Jd,
    decRad,
    integrationS,
    integrations: rectangle.timesJd.length,
    headerDigest: headerDigestOf(header, rectangle, dataFingerprint),
    gridDigest: gridDigestOf(header, rectangle, integrationS),
  };
}

function checkShapes(header: RawHeader): void {
  const rows = header.timeJd.length;
  const channels = header.freqHz.length;
  const products = header.products.length;
  const flat = [rows, channels, products];
  const withWindow = [rows, 1, channels, products];
  for (const { name, shape } of [header.visdata, header.flags, header.nsamples]) {
    const expected = shape.length === 3 ? flat : withWindow;
    if (shape.length !== expected.length || shape.some((length, axis) => length !== expected[axis])) {
      refuse('BadShape', `${name} has shape (${shape.join(', ')}), the header says (${withWindow.join(', ')})`);
    }
  }
  const { counts } = header;
  const expectedCounts = [
    ['Nfreqs', counts.Nfreqs, channels],
    ['Npols', counts.Npols, products],
    ['Nspws', counts.Nspws, 1],
    ['Nants_telescope', counts.Nants_telescope, header.antennaNumbers.length],
  ] as const;
  for (const [name, found, expected] of expectedCounts) {
    if (found !== null && found !== expected) refuse('BadShape', `${name} is ${found}, the arrays say ${expected}`);
  }
}
