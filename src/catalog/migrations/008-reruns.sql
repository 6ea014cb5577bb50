-- Groups that are to run again because what their products were made from was superseded, or something better came.
-- Planned in the transaction of the change, started from here: nothing is lost in between. One open plan a group.
CREATE TABLE reruns (
  id INTEGER PRIMARY KEY,
  group_id TEXT NOT NULL REFERENCES groups (group_id),
  from_step TEXT NOT NULL CHECK (from_step IN ('collect', 'flag', 'solve', 'calibrate')),
  reason TEXT NOT NULL,
  because_of INTEGER NOT NULL REFERENCES products (id),
  status TEXT NOT NULL CHECK (status IN ('planned', 'started', 'dropped')),
  answer TEXT,
  planned_at TEXT NOT NULL,
  settled_at TEXT,
  CHECK ((status = 'planned') = (settled_at IS NULL))
) STRICT;
CREATE UNIQUE INDEX reruns_planned ON reruns (group_id) WHERE status = 'planned';
CREATE INDEX reruns_by_group ON reruns (group_id, id);
