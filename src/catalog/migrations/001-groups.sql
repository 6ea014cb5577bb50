-- Groups, their files and their attempts: the projection of workflows that everything else refers to.
-- A row here is never the truth about a running group (its Temporal history is); it is what the world reads.

-- A moved disk is one UPDATE of root. '' is the file system's root: paths that lie under no other location.
CREATE TABLE storage_locations (
  name TEXT PRIMARY KEY,
  root TEXT NOT NULL CHECK (root = '' OR (root LIKE '/%' AND root NOT LIKE '%/'))
) STRICT;
INSERT INTO storage_locations (name, root) VALUES ('filesystem', '');

-- Both tables are filled from src/domain/group-state.ts whenever a writer opens the database.
CREATE TABLE group_states (
  state TEXT PRIMARY KEY,
  seed_state TEXT NOT NULL,
  is_open INTEGER NOT NULL CHECK (is_open IN (0, 1))
) STRICT;
CREATE TABLE group_transitions (
  from_state TEXT NOT NULL,
  to_state TEXT NOT NULL,
  PRIMARY KEY (from_state, to_state)
) STRICT, WITHOUT ROWID;

CREATE TABLE groups (
  group_id TEXT PRIMARY KEY,
  workflow_id TEXT NOT NULL UNIQUE,
  run_id TEXT, -- null between admission of the first file and the workflow's first projection
  run_number INTEGER NOT NULL DEFAULT 0,
  revision INTEGER NOT NULL DEFAULT 0,
  state TEXT NOT NULL
    CHECK (state IN ('collecting', 'pending', 'in_progress', 'needs_attention', 'completed', 'failed', 'cancelled')),
  processing_stage TEXT NOT NULL CHECK (processing_stage IN ('collecting', 'processing_fresh', 'resuming')),
  step TEXT,
  lane TEXT NOT NULL CHECK (lane IN ('live', 'ondemand', 'backlog', 'reprocess')),
  host TEXT,
  expected_subbands INTEGER NOT NULL CHECK (expected_subbands BETWEEN 1 AND 16),
  present_subbands TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(present_subbands)),
  degraded_reasons TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(degraded_reasons)),
  waiting_for TEXT,
  failed_step TEXT,
  error_type TEXT,
  error_code TEXT,
  error_message TEXT,
  error_remedy TEXT,
  error_side_effects TEXT CHECK (error_side_effects IN ('none', 'scratch', 'published')),
  capsule_path TEXT,
  has_calibrator TEXT,
  header_t0_mjd REAL NOT NULL, -- middle of the first integration, UTC: with dec_deg the key of the group
  dec_deg REAL NOT NULL,
  integration_s REAL NOT NULL CHECK (integration_s > 0),
  integrations INTEGER NOT NULL CHECK (integrations > 0),
  observed_at TEXT NOT NULL,
  received_at TEXT NOT NULL,
  completed_at TEXT,
  updated_at TEXT NOT NULL
) STRICT;
CREATE INDEX groups_by_time ON groups (header_t0_mjd);
CREATE INDEX groups_by_state ON groups (state, received_at);
CREATE INDEX groups_by_completion ON groups (completed_at) WHERE completed_at IS NOT NULL;

-- A projection that skipped revisions may jump over states nobody saw; a step of one revision may not. A new run starts
-- where it starts, also over a run that was lost while open.
CREATE TRIGGER groups_move_legally BEFORE UPDATE OF state ON groups
WHEN OLD.state <> NEW.state AND OLD.run_id IS NEW.run_id AND NEW.revision - OLD.revision <= 1
  AND NOT EXISTS (SELECT 1 FROM group_transitions WHERE from_state = OLD.state AND to_state = NEW.state)
BEGIN
  SELECT RAISE(ABORT, 'illegal move of a group''s state (see table group_transitions)');
END;

-- Every run that ever projected, in order of first appearance: one that was followed by another never writes again.
CREATE TABLE group_runs (
  id INTEGER PRIMARY KEY,
  group_id TEXT NOT NULL REFERENCES groups (group_id),
  run_id TEXT NOT NULL,
  run_number INTEGER NOT NULL,
  first_seen_at TEXT NOT NULL,
  UNIQUE (group_id, run_id)
) STRICT;

-- One alias may fit two groups: then it is ambiguous, and answered so.
CREATE TABLE group_aliases (
  alias TEXT NOT NULL,
  group_id TEXT NOT NULL REFERENCES groups (group_id),
  source TEXT NOT NULL,
  PRIMARY KEY (alias, group_id)
) STRICT, WITHOUT ROWID;

-- Every version of every raw file ever seen. A path has one row a version; the newest row is the file as it is now.
CREATE TABLE subband_files (
  id INTEGER PRIMARY KEY,
  location TEXT NOT NULL REFERENCES storage_locations (name),
  path TEXT NOT NULL,
  subband INTEGER CHECK (subband BETWEEN 0 AND 15),
  group_id TEXT REFERENCES groups (group_id),
  shown_with_group_id TEXT REFERENCES groups (group_id), -- by its name only; never a membership
  status TEXT NOT NULL CHECK (status IN ('settling', 'valid', 'invalid', 'duplicate', 'superseded', 'missing')),
  reason TEXT,
  bytes INTEGER NOT NULL CHECK (bytes >= 0),
  mtime_ms REAL NOT NULL,
  inode TEXT NOT NULL,
  name_time_text TEXT,
  header_t0_mjd REAL,
  dec_deg REAL,
  integrations INTEGER,
  header_digest TEXT,
  grid_digest TEXT,
  first_seen_at TEXT NOT NULL,
  last_seen_at TEXT NOT NULL,
  announced_at TEXT,
  UNIQUE (location, path, inode, bytes, mtime_ms),
  CHECK (status <> 'valid' OR (group_id IS NOT NULL AND subband IS NOT NULL AND header_digest IS NOT NULL
    AND grid_digest IS NOT NULL AND integrations IS NOT NULL AND bytes > 0))
) STRICT;
CREATE INDEX subband_files_by_group ON subband_files (group_id, subband);
CREATE INDEX subband_files_shown_with ON subband_files (shown_with_group_id) WHERE shown_with_group_id IS NOT NULL;
CREATE INDEX subband_files_unannounced ON subband_files (id) WHERE status = 'valid' AND announced_at IS NULL;
CREATE INDEX subband_files_by_first_seen ON subband_files (first_seen_at);

CREATE TABLE step_attempts (
  id INTEGER PRIMARY KEY,
  group_id TEXT NOT NULL,
  run_id TEXT NOT NULL,
  step TEXT NOT NULL,
  attempt INTEGER NOT NULL CHECK (attempt >= 1),
  host TEXT,
  started_at TEXT NOT NULL,
  ended_at TEXT NOT NULL,
  outcome TEXT NOT NULL CHECK (outcome IN ('done', 'skipped', 'failed', 'cancelled')),
  note TEXT,
  error_type TEXT,
  error_code TEXT,
  message TEXT,
  remedy TEXT,
  capsule_path TEXT,
  parameters_digest TEXT NOT NULL,
  wall_s REAL,
  cpu_s REAL,
  max_rss_bytes INTEGER,
  bytes_read INTEGER,
  bytes_written INTEGER,
  timings_s TEXT CHECK (timings_s IS NULL OR json_valid(timings_s)),
  UNIQUE (run_id, step, attempt)
) STRICT;
CREATE INDEX step_attempts_by_group ON step_attempts (group_id, started_at);
CREATE TRIGGER step_attempts_are_kept BEFORE DELETE ON step_attempts BEGIN SELECT RAISE(ABORT, 'attempts are append-only'); END;
CREATE TRIGGER step_attempts_are_final BEFORE UPDATE ON step_attempts BEGIN SELECT RAISE(ABORT, 'attempts are append-only'); END;

-- What each long-running process last said of itself.
CREATE TABLE service_heartbeats (
  service TEXT NOT NULL,
  host TEXT NOT NULL,
  pid INTEGER NOT NULL,
  started_at TEXT NOT NULL,
  beat_at TEXT NOT NULL,
  status TEXT NOT NULL CHECK (json_valid(status)),
  PRIMARY KEY (service, host)
) STRICT, WITHOUT ROWID;
