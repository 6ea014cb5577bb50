/** The row schemas say what the tables hold: same columns, and null exactly where the table allows it. */
import { z } from 'zod';
import { auditRow } from '../../src/catalog/audit.ts';
import { calibrationSetRow, caltableRow } from '../../src/catalog/calibration-sets.ts';
import { catalogueImportRow } from '../../src/catalog/catalogue-import.ts';
import { canaryMeasurementRow, canaryRunRow } from '../../src/catalog/canaries.ts';
import { candidateRow } from '../../src/catalog/candidates.ts';
import { eventRow } from '../../src/catalog/events.ts';
import { fluxReferenceRow } from '../../src/catalog/flux-references.ts';
import { foundSourceRow } from '../../src/catalog/found-sources.ts';
import { groupAliasRow } from '../../src/catalog/group-aliases.ts';
import { groupRow } from '../../src/catalog/groups.ts';
import { imageFileRow, imageRow } from '../../src/catalog/images.ts';
import { expectationRow } from '../../src/catalog/ledger-expectation.ts';
import { ledgerHistoryRow, ledgerRow } from '../../src/catalog/ledger.ts';
import { productInputRow } from '../../src/catalog/lineage.ts';
import { measurementBatchRow, measurementRow } from '../../src/catalog/measurements.ts';
import { mosaicFileRow, mosaicMemberRow, mosaicRow } from '../../src/catalog/mosaics.ts';
import { msIndexRow } from '../../src/catalog/ms-index.ts';
import { operatorRequestRow } from '../../src/catalog/operator-requests.ts';
import { productRow } from '../../src/catalog/products.ts';
import { rerunRow } from '../../src/catalog/reruns.ts';
import { variabilityRow } from '../../src/catalog/source-variability.ts';
import { sourceRow } from '../../src/catalog/sources.ts';
import { stepAttemptRow } from '../../src/catalog/step-attempts.ts';
import { storageLocationRow } from '../../src/catalog/storage-locations.ts';
import { subbandFileRow } from '../../src/catalog/subband-files.ts';
import { GROUP_STATES, GROUP_TRANSITIONS, seedState } from '../../src/domain/group-state.ts';
import { type OpenNight, openNight } from './night.ts';

let night: OpenNight;
beforeAll(() => {
  night = openNight();
});
afterAll(() => night.close());

const columnInfo = z.object({ name: z.string(), notnull: z.int(), pk: z.int() });

const TABLES: [string, z.ZodObject][] = [
  ['audit', auditRow],
  ['calibration_sets', calibrationSetRow],
  ['caltables', caltableRow],
  ['canary_measurements', canaryMeasurementRow],
  ['canary_runs', canaryRunRow],
  ['candidates', candidateRow],
  ['catalogue_imports', catalogueImportRow],
  ['events', eventRow],
  ['found_sources', foundSourceRow],
  ['flux_references', fluxReferenceRow],
  ['group_aliases', groupAliasRow],
  ['groups', groupRow],
  ['images', imageRow],
  ['image_files', imageFileRow],
  ['ledger', ledgerRow],
  ['ledger_history', ledgerHistoryRow],
  ['ledger_expectation', expectationRow],
  ['measurement_batches', measurementBatchRow],
  ['measurements', measurementRow],
  ['mosaics', mosaicRow],
  ['mosaic_files', mosaicFileRow],
  ['mosaic_members', mosaicMemberRow],
  ['ms_index', msIndexRow],
  ['operator_requests', operatorRequestRow],
  ['product_inputs', productInputRow],
  ['products', productRow],
  ['reruns', rerunRow],
  ['sources', sourceRow],
  ['step_attempts', stepAttemptRow],
  ['storage_locations', storageLocationRow],
  ['subband_files', subbandFileRow],
  ['variability', variabilityRow],
];

test.each(TABLES)('a row of %s is what its schema says', (table, schema) => {
  const columns = z.array(columnInfo).parse(night.database.pragma(`table_info(${table})`));
  expect(Object.keys(schema.shape)).toEqual(columns.map((column) => column.name));
  const nullable = columns.filter((column) => column.notnull === 0 && column.pk === 0).map((column) => column.name);
  const schemaNullable = Object.entries(schema.shape).flatMap(([name, field]) => (z.safeParse(field, null).success ? [name] : []));
  expect(schemaNullable).toEqual(nullable);
});

test('states, seed words and legal moves in the database are those of the domain', () => {
  const states = night.database.prepare('SELECT state, seed_state FROM group_states ORDER BY rowid').all();
  expect(states).toEqual(GROUP_STATES.map((state) => ({ state, seed_state: seedState(state) })));
  const moves = night.database.prepare('SELECT COUNT(*) AS n FROM group_transitions').get();
  expect(moves).toEqual({ n: Object.values(GROUP_TRANSITIONS).flat().length });
});
