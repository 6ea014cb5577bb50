-- What was expected, what people did, what changed, and what people ask through SQL.

-- A group has one row; a stretch without any data has one row (group_id null, range_end_at set).
CREATE TABLE ledger (
  id INTEGER PRIMARY KEY,
  group_id TEXT UNIQUE,
  expected_at TEXT NOT NULL,
  range_end_at TEXT,
  dec_deg REAL,
  outcome TEXT NOT NULL CHECK (outcome IN ('done', 'degraded', 'skipped', 'missing', 'pending')),
  reason TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  CHECK ((group_id IS NULL) = (range_end_at IS NOT NULL))
) STRICT;
CREATE INDEX ledger_by_time ON ledger (expected_at);
CREATE UNIQUE INDEX ledger_ranges ON ledger (expected_at) WHERE group_id IS NULL;

CREATE TABLE audit (
  id INTEGER PRIMARY KEY,
  request_id TEXT NOT NULL UNIQUE,
  at TEXT NOT NULL,
  actor TEXT NOT NULL,
  via TEXT NOT NULL,
  verb TEXT NOT NULL,
  target TEXT NOT NULL,
  reason TEXT NOT NULL,
  detail TEXT NOT NULL CHECK (json_valid(detail))
) STRICT;
CREATE INDEX audit_by_target ON audit (target, at);
CREATE TRIGGER audit_is_kept BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
CREATE TRIGGER audit_is_final BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;

-- Written in the transaction of the change it tells of; AUTOINCREMENT so that an id is never used twice, also after pruning.
CREATE TABLE events (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at TEXT NOT NULL,
  topic TEXT NOT NULL,
  group_id TEXT,
  payload TEXT NOT NULL CHECK (json_valid(payload) AND length(payload) <= 4096)
) STRICT;

CREATE TABLE operator_requests (
  id INTEGER PRIMARY KEY,
  requested_at TEXT NOT NULL,
  requested_by TEXT NOT NULL,
  via TEXT NOT NULL CHECK (via IN ('sql')),
  verb TEXT NOT NULL CHECK (verb IN ('resume')),
  group_id TEXT NOT NULL,
  reason TEXT NOT NULL,
  answered_at TEXT,
  answer TEXT CHECK (answer IN ('accepted', 'refused')),
  answer_text TEXT,
  CHECK ((answered_at IS NULL) = (answer IS NULL))
) STRICT;
CREATE UNIQUE INDEX operator_requests_open ON operator_requests (group_id, verb) WHERE answered_at IS NULL;
