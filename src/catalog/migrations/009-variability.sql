-- Light curves lie together on disk, each point has a flux on the common scale beside the measured one, and sources that
-- vary become candidates. `variability` is a projection: the worker makes it again at its next start.

ALTER TABLE measurement_batches ADD COLUMN flux_scale REAL;
ALTER TABLE measurement_batches ADD COLUMN flux_scale_error REAL;
ALTER TABLE measurement_batches ADD COLUMN scale_references INTEGER NOT NULL DEFAULT 0;
ALTER TABLE measurement_batches ADD COLUMN scale_note TEXT DEFAULT 'not looked at yet'; -- why there is no flux scale

-- By source and time: 10,000 points of a source were 10,000 places in the file.
CREATE TABLE clustered_measurements (
  id INTEGER NOT NULL,
  batch_id INTEGER NOT NULL REFERENCES measurement_batches (id),
  source_id INTEGER NOT NULL REFERENCES sources (id),
  image_product_id INTEGER NOT NULL REFERENCES products (id),
  mjd REAL NOT NULL,
  flux_jy REAL NOT NULL,
  error_jy REAL NOT NULL CHECK (error_jy > 0),
  normalised_flux_jy REAL,
  normalised_error_jy REAL,
  local_rms_jy REAL NOT NULL,
  snr REAL NOT NULL,
  pb_response REAL NOT NULL,
  chi2 REAL,
  kind TEXT NOT NULL CHECK (kind IN ('forced', 'blind')),
  upper_limit INTEGER NOT NULL CHECK (upper_limit IN (0, 1)),
  degraded INTEGER NOT NULL CHECK (degraded IN (0, 1)),
  flags TEXT NOT NULL CHECK (json_valid(flags)),
  superseded INTEGER NOT NULL CHECK (superseded IN (0, 1)),
  counts INTEGER NOT NULL CHECK (counts IN (0, 1)), -- in means and variability: current, forced, of an image nothing warns about
  PRIMARY KEY (source_id, mjd, id),
  CHECK ((normalised_flux_jy IS NULL) = (normalised_error_jy IS NULL))
) STRICT, WITHOUT ROWID;
INSERT INTO clustered_measurements
  SELECT m.id, m.batch_id, m.source_id, m.image_product_id, m.mjd, m.flux_jy, m.error_jy, NULL, NULL, m.local_rms_jy, m.snr,
    m.pb_response, m.chi2, m.kind, m.upper_limit, m.degraded, m.flags, m.superseded,
    m.superseded = 0 AND m.kind = 'forced' AND instr(b.degraded_reasons, '"qa_warning"') = 0
  FROM measurements m JOIN measurement_batches b ON b.id = m.batch_id ORDER BY m.source_id, m.mjd, m.id;
DROP TABLE measurements;
ALTER TABLE clustered_measurements RENAME TO measurements;
CREATE UNIQUE INDEX measurements_by_id ON measurements (id);
CREATE INDEX measurements_by_batch ON measurements (batch_id);

-- What a source's flux is held against where it helps to find the flux scale of an image.
CREATE TABLE flux_references (
  source_id INTEGER PRIMARY KEY REFERENCES sources (id),
  points INTEGER NOT NULL CHECK (points >= 1),
  until_mjd REAL NOT NULL, -- of the last point used
  flux_jy REAL NOT NULL,
  error_jy REAL NOT NULL,
  is_usable INTEGER NOT NULL CHECK (is_usable IN (0, 1))
) STRICT;

DROP TABLE variability;
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
  high_mjd REAL NOT NULL,
  low_flux_jy REAL NOT NULL,
  low_error_jy REAL NOT NULL,
  low_mjd REAL NOT NULL,
  first_mjd REAL NOT NULL,
  last_mjd REAL NOT NULL,
  mean_flux_jy REAL NOT NULL,
  mean_error_jy REAL NOT NULL,
  eta REAL,
  v REAL,
  excess_fraction REAL,
  chi2_significance REAL,
  leave_one_out_sigma REAL,
  two_epoch_vs REAL,
  two_epoch_m REAL,
  ese_score REAL,
  ese_shape TEXT CHECK (ese_shape IN ('rise', 'dip', 'scatter')),
  is_variable INTEGER NOT NULL CHECK (is_variable IN (0, 1)),
  updated_at TEXT NOT NULL
) STRICT;
CREATE INDEX variability_of_variables ON variability (eta) WHERE is_variable = 1;

-- A source whose variability is worth a look. One that nobody has judged goes again when its points no longer support it.
CREATE TABLE candidates (
  id INTEGER PRIMARY KEY,
  source_id INTEGER NOT NULL UNIQUE REFERENCES sources (id),
  preset TEXT NOT NULL CHECK (preset IN ('conservative', 'moderate', 'sensitive')),
  found_score REAL NOT NULL,
  found_at TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('new', 'confirmed', 'rejected')),
  note TEXT,
  decided_by TEXT,
  decided_at TEXT,
  CHECK ((decided_by IS NULL) = (decided_at IS NULL) AND (decided_by IS NULL) = (note IS NULL)),
  CHECK (status = 'new' OR decided_by IS NOT NULL)
) STRICT;
