/** How much sky a mosaic covers: right ascensions are averaged as directions, and the circle holds all tiles. */
import { mosaicExtent } from '../../src/domain/mosaic-extent.ts';

test.each([
  ['across 0h', [359, 0, 1], 0],
  ['elsewhere', [180, 181, 179], 180],
])('the centre of tiles %s lies between them', (_, rightAscensions, centre) => {
  const {
    centre: found,
    radiusDeg,
    pixels,
  } = mosaicExtent(
    rightAscensions.map((raDeg) => ({ raDeg, decDeg: 60 })),
    1.5,
    6,
  );
  expect(Math.abs(((found.raDeg - centre + 540) % 360) - 180)).toBeLessThan(1e-9);
  expect(found.decDeg).toBe(60);
  // Half a degree of sky to each side at this declination, and the tiles' own 1.5°, corners included.
  expect(radiusDeg).toBeCloseTo(Math.hypot(2, 1.5), 9);
  const cellsPerDeg = 600;
  expect(pixels).toBeCloseTo(4 * cellsPerDeg * (3 * cellsPerDeg), -1);
});
