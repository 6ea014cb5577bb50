/**
 * Names of sources that the pipeline found: `DSA Jhhmmss.s+ddmmss` of the J2000 place, digits cut and never rounded, as the
 * International Astronomical Union asks for designations by place.
 */

export function sourceName(raDeg: number, decDeg: number): string {
  // A millionth of a digit: 59.999999999 s is a minute that lost its last bit.
  const tenthsOfS = Math.floor((raDeg / 15) * 36_000 + 1e-6);
  const arcsec = Math.floor(Math.abs(decDeg) * 3600 + 1e-6);
  const ra = `${twoDigits(tenthsOfS / 36_000)}${twoDigits((tenthsOfS / 600) % 60)}${twoDigits((tenthsOfS / 10) % 60)}.${tenthsOfS % 10}`;
  return `DSA J${ra}${decDeg < 0 ? '-' : '+'}${twoDigits(arcsec / 3600)}${twoDigits((arcsec / 60) % 60)}${twoDigits(arcsec % 60)}`;
}

const twoDigits = (value: number): string => String(Math.floor(value)).padStart(2, '0');
