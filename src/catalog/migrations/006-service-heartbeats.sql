-- What each long-running service last said of itself; the newest word only. Health reads it, nothing decides by it.
CREATE TABLE service_heartbeats (
  service TEXT NOT NULL CHECK (service IN ('watch')),
  host TEXT NOT NULL,
  pid INTEGER NOT NULL,
  started_at TEXT NOT NULL,
  beat_at TEXT NOT NULL,
  status TEXT NOT NULL CHECK (json_valid(status)),
  PRIMARY KEY (service, host)
) STRICT, WITHOUT ROWID;
