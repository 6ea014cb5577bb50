-- Everything made that someone may read later, each version a row of its own, and what each was made from.

CREATE TABLE products (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('ms', 'calibration_set', 'image', 'mosaic', 'catalogue')),
  group_id TEXT,
  location TEXT NOT NULL REFERENCES storage_locations (name),
  path TEXT NOT NULL,
  content_hash TEXT NOT NULL,
  bytes INTEGER NOT NULL CHECK (bytes >= 0),
  run_id TEXT NOT NULL,
  run_number INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  parameters TEXT NOT NULL CHECK (json_valid(parameters)),
  software TEXT NOT NULL CHECK (json_valid(software)),
  degraded_reasons TEXT NOT NULL CHECK (json_valid(degraded_reasons)),
  status TEXT NOT NULL CHECK (status IN ('current', 'superseded', 'stale', 'retired', 'deleted')),
  superseded_by INTEGER REFERENCES products (id),
  created_at TEXT NOT NULL,
  UNIQUE (location, path),
  CHECK (status <> 'superseded' OR superseded_by IS NOT NULL)
) STRICT;
CREATE INDEX products_by_group ON products (group_id, kind, status);
CREATE INDEX products_by_kind ON products (kind, status, created_at);

CREATE TABLE product_inputs (
  product_id INTEGER NOT NULL REFERENCES products (id),
  input_product_id INTEGER REFERENCES products (id),
  input_file_id INTEGER REFERENCES subband_files (id),
  input_hash TEXT, -- of a raw file, as the conversion read it
  CHECK ((input_product_id IS NULL) <> (input_file_id IS NULL))
) STRICT;
CREATE UNIQUE INDEX product_inputs_of_products ON product_inputs (product_id, input_product_id) WHERE input_product_id IS NOT NULL;
CREATE UNIQUE INDEX product_inputs_of_files ON product_inputs (product_id, input_file_id) WHERE input_file_id IS NOT NULL;
CREATE INDEX product_inputs_downward ON product_inputs (input_product_id) WHERE input_product_id IS NOT NULL;

CREATE TABLE ms_index (
  product_id INTEGER PRIMARY KEY REFERENCES products (id),
  group_id TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('science', 'calibrator', 'failed')),
  calibrator TEXT,
  start_mjd REAL NOT NULL,
  mid_mjd REAL NOT NULL,
  end_mjd REAL NOT NULL,
  ra_deg REAL NOT NULL,
  dec_deg REAL NOT NULL,
  integrations INTEGER NOT NULL,
  channels INTEGER NOT NULL,
  data_rows INTEGER NOT NULL,
  subbands_present TEXT NOT NULL CHECK (json_valid(subbands_present)),
  missing TEXT NOT NULL CHECK (json_valid(missing)),
  flagged_fraction REAL NOT NULL CHECK (flagged_fraction BETWEEN 0 AND 1),
  cal_status TEXT NOT NULL CHECK (cal_status IN ('none', 'applied'))
) STRICT;
CREATE INDEX ms_index_by_time ON ms_index (mid_mjd);

CREATE TABLE calibration_sets (
  id INTEGER PRIMARY KEY,
  product_id INTEGER NOT NULL UNIQUE REFERENCES products (id),
  group_id TEXT NOT NULL,
  calibrator TEXT NOT NULL,
  flux_jy REAL NOT NULL CHECK (flux_jy > 0),
  reference_antenna TEXT NOT NULL,
  dec_deg REAL NOT NULL,
  start_mjd REAL NOT NULL,
  mid_mjd REAL NOT NULL,
  end_mjd REAL NOT NULL,
  valid_start_mjd REAL NOT NULL,
  valid_end_mjd REAL NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('candidate', 'active', 'rejected', 'retired')),
  reasons TEXT NOT NULL CHECK (json_valid(reasons)),
  qa TEXT NOT NULL CHECK (json_valid(qa))
) STRICT;
CREATE INDEX calibration_sets_by_time ON calibration_sets (mid_mjd);

CREATE TABLE caltables (
  id INTEGER PRIMARY KEY,
  set_id INTEGER NOT NULL REFERENCES calibration_sets (id) ON DELETE CASCADE,
  type TEXT NOT NULL,
  apply_order INTEGER NOT NULL,
  location TEXT NOT NULL REFERENCES storage_locations (name),
  path TEXT NOT NULL,
  UNIQUE (set_id, apply_order, type)
) STRICT;

CREATE TABLE calibration_applied (
  product_id INTEGER NOT NULL REFERENCES products (id), -- what was made with the set
  set_id INTEGER NOT NULL REFERENCES calibration_sets (id),
  how TEXT NOT NULL,
  PRIMARY KEY (product_id, set_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX calibration_applied_by_set ON calibration_applied (set_id);

CREATE TABLE images (
  product_id INTEGER PRIMARY KEY REFERENCES products (id),
  group_id TEXT NOT NULL,
  tier TEXT,
  mid_mjd REAL NOT NULL,
  beam_major_arcsec REAL NOT NULL,
  beam_minor_arcsec REAL NOT NULL,
  beam_pa_deg REAL NOT NULL,
  noise_jy REAL NOT NULL,
  peak_jy REAL NOT NULL,
  dynamic_range REAL NOT NULL,
  centre_ra_deg REAL NOT NULL,
  centre_dec_deg REAL NOT NULL,
  width_px INTEGER NOT NULL,
  cell_arcsec REAL NOT NULL,
  freq_hz REAL NOT NULL,
  bandwidth_hz REAL NOT NULL,
  calibration_how TEXT NOT NULL,
  qa_verdict TEXT NOT NULL CHECK (qa_verdict IN ('pass', 'warn', 'fail')),
  qa_checks TEXT NOT NULL CHECK (json_valid(qa_checks))
) STRICT;
CREATE INDEX images_by_time ON images (mid_mjd);
CREATE INDEX images_by_group ON images (group_id);

CREATE TABLE image_files (
  product_id INTEGER NOT NULL REFERENCES products (id),
  kind TEXT NOT NULL,
  location TEXT NOT NULL REFERENCES storage_locations (name),
  path TEXT NOT NULL,
  PRIMARY KEY (product_id, kind)
) STRICT, WITHOUT ROWID;
