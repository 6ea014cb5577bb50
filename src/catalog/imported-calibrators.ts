/** Calibrators of imported lists: what stands in for a flux calibrator when none transits. One without a flux is none. */
import { z } from 'zod';
import { CALIBRATOR_FORMAT } from '../domain/reference-catalogue.ts';
import { type CatalogDatabase, rowsOf } from './statement.ts';

const importedCalibratorRow = z.object({
  name: z.string(),
  ra_deg: z.number(),
  dec_deg: z.number(),
  flux_jy: z.number(),
  spectral_index: z.number().nullable(),
  /** Catalogue and version, as a calibration set names its source. */
  catalogue: z.string(),
});
export type ImportedCalibrator = z.infer<typeof importedCalibratorRow>;

/** Those of the current versions within so many degrees of declination, brightest first. */
export const calibratorsOfStrip = (database: CatalogDatabase, strip: { decDeg: number; withinDeg: number }): ImportedCalibrator[] =>
  rowsOf(
    database,
    importedCalibratorRow,
    `SELECT s.name, s.ra_deg, s.dec_deg, s.flux_jy, s.spectral_index, i.catalogue || ' version ' || i.version AS catalogue
     FROM catalogue_imports i JOIN catalogue_sources s ON s.import_id = i.id
     WHERE i.status = 'current' AND i.format = :format AND s.flux_jy IS NOT NULL
       AND s.dec_deg BETWEEN :decDeg - :withinDeg AND :decDeg + :withinDeg
     ORDER BY s.flux_jy DESC, s.name`,
    { ...strip, format: CALIBRATOR_FORMAT },
  );
