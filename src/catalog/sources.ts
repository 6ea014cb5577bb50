/** The sources that are monitored, and which of them lie near a place on the sky. */
import { z } from 'zod';
import { type CatalogDatabase, integer, rowOf, rowsOf, runSql, valueOf } from './statement.ts';

export const sourceRow = z.object({
  id: z.int(),
  name: z.string(),
  ra_deg: z.number(),
  dec_deg: z.number(),
  flux_jy: z.number().nullable(),
  spectral_index: z.number().nullable(),
  catalogue: z.string(),
  imported_at: z.string(),
});
export type SourceRow = z.infer<typeof sourceRow>;

export interface SourceEntry {
  name: string;
  raDeg: number;
  decDeg: number;
  fluxJy: number | null;
  spectralIndex: number | null;
}

/** Upserts by name. Answers whether anything changed. The caller holds a transaction. */
export function upsertSource(database: CatalogDatabase, source: SourceEntry, catalogue: string, at: string): boolean {
  const id = valueOf(
    database,
    integer,
    `INSERT INTO sources (name, ra_deg, dec_deg, flux_jy, spectral_index, catalogue, imported_at)
     VALUES (:name, :raDeg, :decDeg, :fluxJy, :spectralIndex, :catalogue, :at)
     ON CONFLICT (name) DO UPDATE SET ra_deg = excluded.ra_deg, dec_deg = excluded.dec_deg, flux_jy = excluded.flux_jy,
       spectral_index = excluded.spectral_index, catalogue = excluded.catalogue, imported_at = excluded.imported_at
     WHERE (ra_deg, dec_deg) <> (excluded.ra_deg, excluded.dec_deg) OR flux_jy IS NOT excluded.flux_jy
       OR spectral_index IS NOT excluded.spectral_index OR catalogue <> excluded.catalogue
     RETURNING id`,
    { ...source, catalogue, at },
  );
  if (id === null) return false;
  const [x, y, z_] = unitVector(source.raDeg, source.decDeg);
  runSql(database, 'INSERT OR REPLACE INTO source_positions VALUES (:id, :x, :x, :y, :y, :z, :z)', { id, x, y, z: z_ });
  return true;
}

export interface NearSource {
  sourceId: number;
  name: string;
  raDeg: number;
  decDeg: number;
  fluxJy: number | null;
  spectralIndex: number | null;
  separationDeg: number;
}

export interface Place {
  raDeg: number;
  decDeg: number;
}
export type Cone = Place & { radiusDeg: number };

/** Sources within `radiusDeg` of a place, nearest first. */
export function sourcesNear(database: CatalogDatabase, cone: Cone): NearSource[] {
  const centre = unitVector(cone.raDeg, cone.decDeg);
  // The chord of the radius bounds the cone in each coordinate; beyond 180° it is everything.
  const chord = 2 * Math.sin((Math.min(cone.radiusDeg, 180) / 2) * RADIANS_PER_DEGREE);
  const [x, y, z_] = centre;
  return rowsOf(
    database,
    sourceRow,
    `SELECT s.* FROM source_positions p JOIN sources s ON s.id = p.id
     WHERE p.x_max >= :x - :chord AND p.x_min <= :x + :chord AND p.y_max >= :y - :chord AND p.y_min <= :y + :chord
       AND p.z_max >= :z - :chord AND p.z_min <= :z + :chord`,
    { x, y, z: z_, chord },
  )
    .map((row) => ({
      sourceId: row.id,
      name: row.name,
      raDeg: row.ra_deg,
      decDeg: row.dec_deg,
      fluxJy: row.flux_jy,
      spectralIndex: row.spectral_index,
      separationDeg: separationDeg(centre, unitVector(row.ra_deg, row.dec_deg)),
    }))
    .filter((source) => source.separationDeg <= cone.radiusDeg)
    .sort((one, other) => one.separationDeg - other.separationDeg);
}

export const sourceByName = (database: CatalogDatabase, name: string): SourceRow | null =>
  rowOf(database, sourceRow, 'SELECT * FROM sources WHERE name = :name', { name });

/** How far places are from this one. */
export function distanceFromDeg(from: Place): (to: Place) => number {
  const centre = unitVector(from.raDeg, from.decDeg);
  return (to) => separationDeg(centre, unitVector(to.raDeg, to.decDeg));
}

type Vector = readonly [number, number, number];
const RADIANS_PER_DEGREE = Math.PI / 180;

function unitVector(raDeg: number, decDeg: number): Vector {
  const [ra, dec] = [raDeg * RADIANS_PER_DEGREE, decDeg * RADIANS_PER_DEGREE];
  return [Math.cos(dec) * Math.cos(ra), Math.cos(dec) * Math.sin(ra), Math.sin(dec)];
}

/** By the chord: exact for small angles, where an arc cosine is not. */
function separationDeg(one: Vector, other: Vector): number {
  const chord = Math.hypot(one[0] - other[0], one[1] - other[1], one[2] - other[2]);
  return (2 * Math.asin(Math.min(1, chord / 2))) / RADIANS_PER_DEGREE;
}
