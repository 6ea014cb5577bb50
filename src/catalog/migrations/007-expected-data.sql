-- The ledger also holds what was expected and never seen: rows without a group, and stretches of silence with the number
-- of groups they stand for.

CREATE TABLE expected_ledger (
  id INTEGER PRIMARY KEY,
  group_id TEXT UNIQUE,
  expected_at TEXT NOT NULL, -- to the second: what the group's id would be, with Z
  range_end_at TEXT,
  groups INTEGER NOT NULL DEFAULT 1 CHECK (groups >= 0), -- groups the row stands for
  -- Where the time comes from: a header (the row has a group), the cadence, or only the name of a file that never got in.
  expected_from TEXT NOT NULL CHECK (expected_from IN ('header', 'cadence', 'name')),
  within_s REAL NOT NULL CHECK (within_s >= 0), -- a group that begins this near is the one expected
  dec_deg REAL,
  outcome TEXT NOT NULL CHECK (outcome IN ('done', 'degraded', 'skipped', 'missing', 'pending')),
  reason TEXT NOT NULL CHECK (reason <> ''),
  note TEXT, -- a person's explanation of a hole
  noted_by TEXT,
  unjudged_since TEXT, -- something was seen here and the stretches on both sides of it are not judged yet
  updated_at TEXT NOT NULL,
  CHECK ((group_id IS NOT NULL) = (expected_from = 'header')),
  CHECK (group_id IS NULL OR range_end_at IS NULL),
  CHECK (range_end_at IS NOT NULL OR groups = 1),
  CHECK ((note IS NULL) = (noted_by IS NULL))
) STRICT;
INSERT INTO expected_ledger (id, group_id, expected_at, range_end_at, expected_from, within_s, dec_deg, outcome, reason, unjudged_since, updated_at)
  SELECT id, group_id, expected_at, range_end_at, iif(group_id IS NULL, 'cadence', 'header'), 0, dec_deg, outcome,
    iif(reason = '', 'not recorded', reason), iif(group_id IS NULL, NULL, updated_at), updated_at
  FROM ledger;
DROP TABLE ledger;
ALTER TABLE expected_ledger RENAME TO ledger;
CREATE INDEX ledger_by_time ON ledger (expected_at);
CREATE UNIQUE INDEX ledger_ranges ON ledger (expected_at) WHERE range_end_at IS NOT NULL;
CREATE INDEX ledger_unjudged ON ledger (expected_at) WHERE unjudged_since IS NOT NULL;
CREATE INDEX ledger_awaited ON ledger (expected_at) WHERE group_id IS NULL AND outcome = 'pending';

-- What a row said before: a hole that was filled later still shows that it was one.
CREATE TABLE ledger_history (
  id INTEGER PRIMARY KEY,
  ledger_id INTEGER NOT NULL,
  outcome TEXT NOT NULL,
  reason TEXT NOT NULL,
  until_at TEXT NOT NULL
) STRICT;
CREATE INDEX ledger_history_by_row ON ledger_history (ledger_id, id);
CREATE TRIGGER ledger_remembers AFTER UPDATE OF outcome ON ledger WHEN OLD.outcome <> NEW.outcome BEGIN
  INSERT INTO ledger_history (ledger_id, outcome, reason, until_at) VALUES (OLD.id, OLD.outcome, OLD.reason, NEW.updated_at);
END;
CREATE TRIGGER ledger_history_is_final BEFORE UPDATE ON ledger_history BEGIN SELECT RAISE(ABORT, 'the history is append-only'); END;

-- What is expected now, and why: one row, written whole by each look.
CREATE TABLE ledger_expectation (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  planned_at TEXT NOT NULL,
  cadence_s REAL NOT NULL CHECK (cadence_s > 0),
  cadence_from TEXT NOT NULL CHECK (cadence_from IN ('headers', 'nominal')),
  is_expecting INTEGER NOT NULL CHECK (is_expecting IN (0, 1)),
  basis TEXT NOT NULL,
  schedule_problem TEXT
) STRICT;

-- Files without a group: a look at the ledger reads these alone.
CREATE INDEX subband_files_without_group ON subband_files (name_time_text)
  WHERE group_id IS NULL AND shown_with_group_id IS NULL AND status IN ('settling', 'invalid');
