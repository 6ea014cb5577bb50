/** How much sky a mosaic covers, roughly: for the catalogue around it and the memory it takes. The grid itself is the program's. */
import type { SkyPlace } from './mosaic.ts';

const RADIANS = Math.PI / 180;

export interface MosaicExtent {
  centre: SkyPlace;
  /** Of a circle around all tiles, corners included. */
  radiusDeg: number;
  pixels: number;
}

/** Right ascensions are averaged as directions. `covers` holds one place at least. */
export function mosaicExtent(covers: readonly SkyPlace[], halfTileDeg: number, cellArcsec: number): MosaicExtent {
  const sum = (of: (place: SkyPlace) => number): number => covers.reduce((total, place) => total + of(place), 0);
  const east = sum(({ raDeg }) => Math.sin(raDeg * RADIANS));
  const raDeg =
    (Math.atan2(
      east,
      sum(({ raDeg: ra }) => Math.cos(ra * RADIANS)),
    ) /
      RADIANS +
      360) %
    360;
  const decDeg = sum((place) => place.decDeg) / covers.length;
  const aside = covers.map((place) => Math.abs(((place.raDeg - raDeg + 540) % 360) - 180) * Math.cos(place.decDeg * RADIANS));
  const above = covers.map((place) => Math.abs(place.decDeg - decDeg));
  const [halfWidthDeg, halfHeightDeg] = [Math.max(...aside) + halfTileDeg, Math.max(...above) + halfTileDeg];
  const pixels = Math.ceil((4 * halfWidthDeg * halfHeightDeg * 3600 ** 2) / cellArcsec ** 2);
  return { centre: { raDeg, decDeg }, radiusDeg: Math.hypot(halfWidthDeg, halfHeightDeg), pixels };
}
