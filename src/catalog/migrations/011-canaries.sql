-- Synthetic sources that were put into a copy of a group and what the line made of them. Never light-curve points.

CREATE TABLE canary_runs (
  run_id TEXT PRIMARY KEY NOT NULL,
  group_id TEXT NOT NULL,
  image_product_id INTEGER NOT NULL REFERENCES products (id), -- of the group itself, without the sources
  host TEXT NOT NULL,
  started_by TEXT NOT NULL,
  started_at TEXT NOT NULL,
  ended_at TEXT NOT NULL,
  verdict TEXT NOT NULL CHECK (verdict IN ('pass', 'fail', 'error')),
  reasons TEXT NOT NULL CHECK (json_valid(reasons)),
  location TEXT REFERENCES storage_locations (name), -- of its pictures
  path TEXT,
  CHECK (verdict = 'pass' OR reasons <> '[]'),
  CHECK ((location IS NULL) = (path IS NULL))
) STRICT;
CREATE INDEX canary_runs_by_end ON canary_runs (ended_at);
CREATE INDEX canary_runs_by_image ON canary_runs (image_product_id);

CREATE TABLE canary_measurements (
  run_id TEXT NOT NULL REFERENCES canary_runs (run_id),
  name TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('steady', 'varying')),
  ra_deg REAL NOT NULL,
  dec_deg REAL NOT NULL,
  response REAL NOT NULL,
  injected_jy REAL NOT NULL CHECK (injected_jy > 0),
  measured_jy REAL NOT NULL,
  error_jy REAL NOT NULL CHECK (error_jy > 0),
  before_jy REAL NOT NULL, -- at the same place, without the source
  snr REAL NOT NULL,
  offset_arcsec REAL NOT NULL,
  passed INTEGER NOT NULL CHECK (passed IN (0, 1)),
  PRIMARY KEY (run_id, name)
) STRICT, WITHOUT ROWID;
