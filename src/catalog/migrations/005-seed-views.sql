-- Views under the names that operators know from the earlier pipeline. Read-only, but for the one documented repair:
--   UPDATE ingest_queue SET state='pending', processing_stage='collecting' WHERE group_id='…';
-- which files a resume request; the catalog worker asks the group's workflow and answers in operator_requests.

CREATE VIEW processing_queue AS
SELECT
  g.group_id,
  s.seed_state AS state,
  g.processing_stage,
  (SELECT COUNT(*) FROM step_attempts a WHERE a.group_id = g.group_id AND a.run_id = g.run_id AND a.outcome = 'failed') AS retry_count,
  CASE WHEN g.error_code IS NULL THEN NULL ELSE g.error_code || ': ' || g.error_message END AS error,
  g.error_message,
  g.received_at,
  (SELECT MIN(a.started_at) FROM step_attempts a WHERE a.group_id = g.group_id AND a.run_id = g.run_id) AS started_at,
  g.completed_at,
  g.updated_at AS last_update,
  g.expected_subbands,
  json_array_length(g.present_subbands) AS present_subbands,
  g.has_calibrator,
  g.host,
  g.step AS current_step,
  g.lane,
  g.degraded_reasons <> '[]' AS degraded
FROM groups g JOIN group_states s ON s.state = g.state;

CREATE VIEW ingest_queue AS SELECT * FROM processing_queue;

CREATE TRIGGER ingest_queue_repair INSTEAD OF UPDATE ON ingest_queue BEGIN
  SELECT RAISE(ABORT, 'only state = ''pending'' can be asked for here: it files a resume request')
  WHERE NEW.state <> 'pending' OR NEW.group_id <> OLD.group_id;
  INSERT OR IGNORE INTO operator_requests (requested_at, requested_by, via, verb, group_id, reason)
  VALUES (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'someone with SQL access', 'sql', 'resume', OLD.group_id,
    'documented repair: state set to pending in ingest_queue');
END;
CREATE TRIGGER processing_queue_repair INSTEAD OF UPDATE ON processing_queue BEGIN
  UPDATE ingest_queue SET state = NEW.state, group_id = NEW.group_id WHERE group_id = OLD.group_id;
END;

-- Measured by the conversion itself; an attempt that measured nothing has no row.
CREATE VIEW performance_metrics AS
SELECT
  group_id,
  json_extract(timings_s, '$.load') AS load_time,
  json_extract(timings_s, '$.phase') AS phase_time,
  json_extract(timings_s, '$.write') AS write_time,
  COALESCE(json_extract(timings_s, '$.total'), wall_s) AS total_time,
  'streaming' AS writer_type,
  ended_at AS recorded_at
FROM step_attempts
WHERE step = 'concat' AND outcome = 'done' AND timings_s IS NOT NULL;

CREATE VIEW hdf5_file_index AS
SELECT
  l.root || '/' || f.path AS path,
  f.group_id,
  f.subband,
  f.name_time_text AS timestamp,
  f.header_t0_mjd AS mjd,
  f.bytes,
  strftime('%Y-%m-%dT%H:%M:%fZ', f.mtime_ms / 1000.0, 'unixepoch') AS modified_at,
  f.header_digest AS digest,
  f.dec_deg,
  f.status,
  f.reason
FROM subband_files f JOIN storage_locations l ON l.name = f.location;

CREATE VIEW calibration_tables AS
SELECT
  s.id AS set_id,
  s.calibrator || '/' || s.group_id AS set_name,
  l.root || '/' || t.path AS path,
  t.type AS table_type,
  t.apply_order AS order_index,
  s.calibrator AS cal_field,
  s.reference_antenna AS refant,
  s.dec_deg,
  s.valid_start_mjd,
  s.valid_end_mjd,
  s.status,
  p.created_at,
  s.qa AS quality_metrics
FROM caltables t
JOIN calibration_sets s ON s.id = t.set_id
JOIN products p ON p.id = s.product_id
JOIN storage_locations l ON l.name = t.location;
