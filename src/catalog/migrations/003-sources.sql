-- Sources, their light-curve points, and the sums from which their variability follows.

CREATE TABLE sources (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  ra_deg REAL NOT NULL CHECK (ra_deg >= 0 AND ra_deg < 360),
  dec_deg REAL NOT NULL CHECK (dec_deg BETWEEN -90 AND 90),
  flux_jy REAL, -- of the reference catalogue; null when it states none
  spectral_index REAL,
  catalogue TEXT NOT NULL,
  imported_at TEXT NOT NULL
) STRICT;
-- Unit vectors: no seam at 0 h, no distortion at the pole. Single precision, rounded outwards by SQLite.
CREATE VIRTUAL TABLE source_positions USING rtree (id, x_min, x_max, y_min, y_max, z_min, z_max);

-- One measurements file that was recorded. A newer batch of a group supersedes its earlier ones.
CREATE TABLE measurement_batches (
  id INTEGER PRIMARY KEY,
  group_id TEXT NOT NULL,
  run_number INTEGER NOT NULL,
  image_product_id INTEGER NOT NULL REFERENCES products (id),
  digest TEXT NOT NULL,
  points INTEGER NOT NULL,
  degraded_reasons TEXT NOT NULL CHECK (json_valid(degraded_reasons)),
  superseded INTEGER NOT NULL CHECK (superseded IN (0, 1)),
  recorded_at TEXT NOT NULL
) STRICT;
CREATE INDEX measurement_batches_by_group ON measurement_batches (group_id, superseded);

CREATE TABLE measurements (
  id INTEGER PRIMARY KEY,
  batch_id INTEGER NOT NULL REFERENCES measurement_batches (id),
  source_id INTEGER NOT NULL REFERENCES sources (id),
  image_product_id INTEGER NOT NULL REFERENCES products (id),
  mjd REAL NOT NULL,
  flux_jy REAL NOT NULL,
  error_jy REAL NOT NULL CHECK (error_jy > 0),
  local_rms_jy REAL NOT NULL,
  snr REAL NOT NULL,
  pb_response REAL NOT NULL,
  chi2 REAL,
  kind TEXT NOT NULL CHECK (kind IN ('forced', 'blind')),
  upper_limit INTEGER NOT NULL CHECK (upper_limit IN (0, 1)),
  degraded INTEGER NOT NULL CHECK (degraded IN (0, 1)),
  flags TEXT NOT NULL CHECK (json_valid(flags)),
  superseded INTEGER NOT NULL CHECK (superseded IN (0, 1))
) STRICT;
CREATE INDEX measurements_by_source ON measurements (source_id, mjd);
CREATE INDEX measurements_by_batch ON measurements (batch_id);

-- Sums over the current forced points of a source, and what src/catalog/variability.ts derives from them.
CREATE TABLE variability (
  source_id INTEGER PRIMARY KEY REFERENCES sources (id),
  n INTEGER NOT NULL CHECK (n >= 1),
  sum_w REAL NOT NULL,
  sum_wx REAL NOT NULL,
  sum_wxx REAL NOT NULL,
  sum_x REAL NOT NULL,
  sum_xx REAL NOT NULL,
  sum_ee REAL NOT NULL,
  min_flux_jy REAL NOT NULL,
  max_flux_jy REAL NOT NULL,
  high_flux_jy REAL NOT NULL,
  high_error_jy REAL NOT NULL,
  low_flux_jy REAL NOT NULL,
  low_error_jy REAL NOT NULL,
  first_mjd REAL NOT NULL,
  last_mjd REAL NOT NULL,
  mean_flux_jy REAL NOT NULL,
  mean_error_jy REAL NOT NULL,
  eta REAL,
  v REAL,
  excess_fraction REAL,
  chi2_significance REAL,
  leave_one_out_sigma REAL,
  is_variable INTEGER NOT NULL CHECK (is_variable IN (0, 1)),
  updated_at TEXT NOT NULL
) STRICT;
CREATE INDEX variability_of_variables ON variability (eta) WHERE is_variable = 1;
