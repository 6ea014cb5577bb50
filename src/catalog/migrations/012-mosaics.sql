-- Mosaics with their files and members. A member left out keeps its row, with the reason.
CREATE TABLE mosaics (
  product_id INTEGER PRIMARY KEY REFERENCES products (id),
  name TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('hour', 'named')),
  tier TEXT NOT NULL CHECK (tier IN ('quicklook', 'science', 'deep')),
  dec_deg REAL NOT NULL,
  start_mjd REAL NOT NULL, -- of the range asked for; neighbours lie outside
  end_mjd REAL NOT NULL,
  tiles INTEGER NOT NULL CHECK (tiles >= 1),
  centre_ra_deg REAL NOT NULL,
  centre_dec_deg REAL NOT NULL,
  width_px INTEGER NOT NULL,
  height_px INTEGER NOT NULL,
  cell_arcsec REAL NOT NULL,
  area_deg2 REAL NOT NULL,
  noise_jy REAL NOT NULL, -- median of the effective noise
  best_noise_jy REAL NOT NULL,
  beam_major_arcsec REAL NOT NULL,
  beam_minor_arcsec REAL NOT NULL,
  beam_pa_deg REAL NOT NULL,
  freq_hz REAL NOT NULL,
  qa_verdict TEXT NOT NULL CHECK (qa_verdict IN ('pass', 'warn', 'fail')),
  qa_checks TEXT NOT NULL CHECK (json_valid(qa_checks)),
  unchecked TEXT NOT NULL CHECK (json_valid(unchecked)) -- checks that could not run, and why
) STRICT;
CREATE INDEX mosaics_by_name ON mosaics (name);
CREATE INDEX mosaics_by_time ON mosaics (start_mjd);

CREATE TABLE mosaic_members (
  product_id INTEGER NOT NULL REFERENCES products (id),
  group_id TEXT NOT NULL,
  image_product_id INTEGER REFERENCES products (id),
  is_tile INTEGER NOT NULL CHECK (is_tile IN (0, 1)),
  reason TEXT, -- why it was left out
  noise_jy REAL,
  weight_share REAL,
  CHECK ((is_tile = 1) = (reason IS NULL)),
  UNIQUE (product_id, group_id)
) STRICT;

CREATE TABLE mosaic_files (
  product_id INTEGER NOT NULL REFERENCES products (id),
  kind TEXT NOT NULL,
  location TEXT NOT NULL REFERENCES storage_locations (name),
  path TEXT NOT NULL,
  PRIMARY KEY (product_id, kind)
) STRICT, WITHOUT ROWID;
