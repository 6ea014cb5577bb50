-- Catalogues of other telescopes, as they were imported. They are never light curves and never monitored by themselves.

CREATE TABLE catalogue_imports (
  id INTEGER PRIMARY KEY,
  catalogue TEXT NOT NULL,
  version INTEGER NOT NULL CHECK (version >= 1),
  status TEXT NOT NULL CHECK (status IN ('loading', 'current', 'superseded')),
  format TEXT NOT NULL,
  file_name TEXT NOT NULL,
  sha256 TEXT NOT NULL CHECK (length(sha256) = 64),
  bytes INTEGER NOT NULL,
  columns TEXT NOT NULL CHECK (json_valid(columns)), -- what was taken, by meaning, as the file names it
  sources INTEGER NOT NULL,
  without_flux INTEGER NOT NULL,
  left_out INTEGER NOT NULL,
  left_out_because TEXT,
  frequency_hz REAL NOT NULL,
  assumed_spectral_index REAL, -- took fluxes to 1.4 GHz; null: none was needed
  imported_at TEXT NOT NULL,
  UNIQUE (catalogue, version),
  CHECK ((left_out = 0) = (left_out_because IS NULL))
) STRICT;
CREATE UNIQUE INDEX current_catalogue_imports ON catalogue_imports (catalogue) WHERE status = 'current';

CREATE TABLE catalogue_sources (
  import_id INTEGER NOT NULL REFERENCES catalogue_imports (id),
  row INTEGER NOT NULL, -- in the file: row of a table, line of a text
  name TEXT NOT NULL,
  ra_deg REAL NOT NULL CHECK (ra_deg >= 0 AND ra_deg < 360),
  dec_deg REAL NOT NULL CHECK (dec_deg BETWEEN -90 AND 90),
  flux_jy REAL CHECK (flux_jy > 0), -- at 1.4 GHz; null when the catalogue states none
  catalogued_flux_jy REAL CHECK (catalogued_flux_jy > 0), -- at the frequency of the import
  spectral_index REAL,
  PRIMARY KEY (import_id, row),
  CHECK ((flux_jy IS NULL) = (catalogued_flux_jy IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX catalogue_sources_by_declination ON catalogue_sources (import_id, dec_deg);

-- What a set was solved on. All sets so far were solved on built-in flux calibrators.
ALTER TABLE calibration_sets ADD COLUMN calibrator_kind TEXT NOT NULL DEFAULT 'primary'
  CHECK (calibrator_kind IN ('primary', 'bright_fallback'));
ALTER TABLE calibration_sets ADD COLUMN calibrator_catalogue TEXT; -- catalogue and version; null for a built-in one
