/** The SQL that operators know, run as they run it: by the sqlite3 program, in a folder, on the file names they use. */
import { execFileSync } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { projectGroup } from '../../src/catalog/group-projection.ts';
import * as operatorRequests from '../../src/catalog/operator-requests.ts';
import { recordProduct } from '../../src/catalog/product-record.ts';
import { insertAttempt } from '../../src/catalog/step-attempts.ts';
import type { GroupId } from '../../src/domain/group-id.ts';
import { AT, type OpenNight, attempt, calibrationRecord, deliver, foundGroup, openNight, projection } from './night.ts';

let night: OpenNight;
let parked: GroupId;
beforeEach(() => {
  night = openNight();
  symlinkSync(night.path, join(dirname(night.path), 'streaming_queue.sqlite3'));
  const group = foundGroup(night.database, '2025-10-05T12:30:00Z');
  parked = group.groupId;
  deliver(night.database, parked, [0, 1]);
  const failure = {
    type: 'NoCalibration',
    code: 'NoSet',
    message: 'no set is valid',
    remedy: 'wait',
    sideEffects: 'none',
    capsulePath: null,
  } as const;
  projectGroup(night.database, projection(parked, group.key, { revision: 1, state: 'pending' }), AT);
  projectGroup(
    night.database,
    projection(parked, group.key, { revision: 2, state: 'in_progress', processingStage: 'processing_fresh' }),
    AT,
  );
  insertAttempt(night.database, attempt(parked));
  insertAttempt(night.database, attempt(parked, { step: 'calibrate', outcome: 'failed', failure, timingsS: null }));
  projectGroup(
    night.database,
    projection(parked, group.key, {
      revision: 3,
      state: 'needs_attention',
      processingStage: 'processing_fresh',
      failedStep: 'calibrate',
      failure,
    }),
    AT,
  );
  const busy = foundGroup(night.database, '2025-10-05T12:35:09Z');
  projectGroup(
    night.database,
    projection(busy.groupId, busy.key, { revision: 9, runId: 'run-b', state: 'in_progress', processingStage: 'resuming' }),
    AT,
  );
  recordProduct(night.database, calibrationRecord(parked), AT);
});
afterEach(() => night.close());

const sqlite3 = (file: string, sql: string): string[] =>
  execFileSync('sqlite3', [file, sql], { cwd: dirname(night.path), encoding: 'utf8', stdio: 'pipe' })
    .split('\n')
    .filter((line) => line !== '');

test('queue status, as printed: a group that waits for a person reads as failed, with its error', () => {
  expect(
    sqlite3(
      'streaming_queue.sqlite3',
      'SELECT group_id, state, processing_stage, retry_count, error FROM ingest_queue ORDER BY received_at DESC LIMIT 10;',
    ).sort(),
  ).toEqual([`${parked}|failed|processing_fresh|1|NoSet: no set is valid`, '2025-10-05T12:35:09|in_progress|resuming|0|']);
});

test('performance metrics, as printed: what the conversion measured and nothing else', () => {
  expect(
    sqlite3(
      'streaming_queue.sqlite3',
      'SELECT group_id, total_time, load_time, phase_time, write_time FROM performance_metrics ORDER BY recorded_at DESC LIMIT 10;',
    ),
  ).toEqual([`${parked}|70.0|30|15|20`]);
});

test('queue statistics under both names, as printed', () => {
  expect(sqlite3('streaming_queue.sqlite3', 'SELECT state, COUNT(*) FROM ingest_queue GROUP BY state;')).toEqual([
    'failed|1',
    'in_progress|1',
  ]);
  expect(sqlite3(night.path, 'SELECT state, COUNT(*) FROM processing_queue GROUP BY state')).toEqual(['failed|1', 'in_progress|1']);
  expect(sqlite3(night.path, "SELECT group_id, state, error FROM processing_queue WHERE state='in_progress'")).toEqual([
    '2025-10-05T12:35:09|in_progress|',
  ]);
  expect(sqlite3(night.path, 'PRAGMA busy_timeout')).toEqual(['0']); // of that connection, not of ours
});

const REPAIR = "UPDATE ingest_queue SET state='pending', processing_stage='collecting' WHERE group_id='2025-10-05T12:30:00';";

test('the documented repair files one resume request, which is answered in its row', () => {
  sqlite3('streaming_queue.sqlite3', REPAIR);
  sqlite3('streaming_queue.sqlite3', REPAIR);
  const [request, ...others] = operatorRequests.pending(night.database);
  expect(others).toEqual([]);
  expect(request).toMatchObject({ group_id: parked, verb: 'resume', via: 'sql', requested_at: expect.stringMatching(/Z$/) });
  operatorRequests.answer(night.database, { id: request?.id ?? 0, answer: 'refused', text: 'the group waits for nobody', at: AT });
  expect(operatorRequests.pending(night.database)).toEqual([]);
  expect(sqlite3(night.path, 'SELECT answer, answer_text FROM operator_requests')).toEqual(['refused|the group waits for nobody']);
  sqlite3('streaming_queue.sqlite3', REPAIR.replace('ingest_queue', 'processing_queue'));
  expect(operatorRequests.requestsOf(night.database, parked).map((row) => row.answer)).toEqual([null, 'refused']);
});

test('nothing else can be changed through the views', () => {
  expect(() => sqlite3(night.path, "UPDATE ingest_queue SET state='completed'")).toThrow(/only state = 'pending'/);
  expect(() => sqlite3(night.path, 'DELETE FROM ingest_queue')).toThrow(/cannot modify/);
  expect(operatorRequests.pending(night.database)).toEqual([]);
});

test('files and calibration tables show absolute paths', () => {
  expect(sqlite3(night.path, 'SELECT path, subband, status, modified_at FROM hdf5_file_index ORDER BY subband LIMIT 1')).toEqual([
    `/data/incoming/${parked}_sb00.hdf5|0|valid|2025-10-05T12:30:00.123Z`,
  ]);
  expect(
    sqlite3(night.path, 'SELECT set_name, table_type, order_index, status, path FROM calibration_tables ORDER BY order_index'),
  ).toEqual([
    `3C286/${parked}|BP|1|active|/data/products/caltables/${parked}-3C286/bp`,
    `3C286/${parked}|GP|2|active|/data/products/caltables/${parked}-3C286/gp`,
  ]);
});
