/** A ledger of the schema before expectations keeps its rows, and its old gaps are looked at. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { ledgerBetween } from '../../src/catalog/ledger.ts';
import { migrate, readMigrations } from '../../src/catalog/migrate.ts';

/** The last schema whose ledger held only groups that were seen. */
const BEFORE = 6;

test('rows keep their number, outcome and reason; seen groups wait to have the gaps beside them judged', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ledger-migration-'));
  const database = new Database(join(folder, 'pipeline.sqlite3'));
  migrate(database, folder, readMigrations().slice(0, BEFORE));
  database.exec(`INSERT INTO ledger (id, group_id, expected_at, range_end_at, dec_deg, outcome, reason, updated_at) VALUES
    (7, '2025-10-05T12:30:00', '2025-10-05T12:30:00Z', NULL, 54.57, 'done', 'all enabled steps done', '2025-10-05T13:00:00.000Z'),
    (9, NULL, '2025-10-05T14:00:00Z', '2025-10-05T15:00:00Z', NULL, 'missing', 'no data from correlator', '2025-10-05T15:00:00.000Z')`);
  migrate(database, folder);
  expect(ledgerBetween(database, '2025', '2026')).toMatchObject([
    {
      id: 7,
      group_id: '2025-10-05T12:30:00',
      expected_from: 'header',
      outcome: 'done',
      groups: 1,
      unjudged_since: '2025-10-05T13:00:00.000Z',
    },
    { id: 9, group_id: null, range_end_at: '2025-10-05T15:00:00Z', expected_from: 'cadence', outcome: 'missing', unjudged_since: null },
  ]);
  database.close();
  rmSync(folder, { recursive: true });
});
