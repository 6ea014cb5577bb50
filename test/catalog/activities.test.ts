/** The catalog queue's activities on a real database: each sent twice, as Temporal may, and changing nothing the second time. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createCatalogActivities } from '../../activities/catalog.ts';
import { lightCurveOf } from '../../src/catalog/light-curve.ts';
import { measurementsOnImage } from '../../src/catalog/measurements.ts';
import { variabilityOfSource } from '../../src/catalog/source-variability.ts';
import type { CatalogActivities } from '../../src/domain/catalog-command.ts';
import type { GroupId } from '../../src/domain/group-id.ts';
import { unixMsToMjd } from '../../src/domain/utc.ts';
import {
  AT,
  type OpenNight,
  attempt,
  calibrationRecord,
  deliver,
  foundGroup,
  imageRecord,
  importGrid,
  msRecord,
  openNight,
  projection,
} from './night.ts';

let night: OpenNight;
let catalog: CatalogActivities;
let clockMs: number;
beforeEach(() => {
  night = openNight();
  clockMs = Date.parse(AT);
  catalog = createCatalogActivities({
    database: night.database,
    log: { debug: () => undefined, warn: () => undefined },
    now: () => (clockMs += 1000),
  });
});
afterEach(() => night.close());

/** Everything in the database but clocks that tell when a row was last written. */
function contents(): Record<string, unknown[]> {
  const tables = night.database
    .prepare(`SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite_%'`)
    .pluck()
    .all();
  return Object.fromEntries(tables.map((table) => [String(table), night.database.prepare(`SELECT * FROM ${String(table)}`).all()]));
}

async function twice<Order, Answer>(command: (order: Order) => Promise<Answer>, order: Order): Promise<Answer> {
  const first = await command(order);
  const after = contents();
  expect(await command(order)).toEqual(first);
  expect(contents()).toEqual(after);
  return first;
}

/** A measurements file as photometry writes it: one flux a source id. */
function measured(name: string, groupId: string, fluxes: Record<number, number>, errorJy = 0.01): string {
  const path = join(night.folder, `${name}.jsonl`);
  const lines = Object.entries(fluxes).map(([id, fluxJy]) =>
    JSON.stringify({
      source_id: Number(id),
      mjd: unixMsToMjd(Date.parse(`${groupId}Z`)),
      flux_jy: fluxJy,
      error_jy: errorJy,
      local_rms_jy: errorJy,
      snr: fluxJy / errorJy,
      pb_response: 0.9,
      chi2: null,
      kind: 'forced',
      upper_limit: fluxJy < 3 * errorJy,
      flags: [],
    }),
  );
  writeFileSync(path, `${lines.join('\n')}\n`);
  return path;
}

interface Epoch {
  groupId: GroupId;
  imageProductId: number;
}
async function epoch(minute: number, runNumber = 1): Promise<Epoch> {
  const { groupId } = foundGroup(night.database, new Date(Date.parse('2025-10-05T12:00:00Z') + minute * 60_000).toISOString());
  const path = `/data/products/images/${groupId}.v${runNumber}`;
  const { productId } = await catalog.recordProduct(
    imageRecord(groupId, { runNumber, runId: `run-${runNumber}`, path, contentHash: path }),
  );
  return { groupId, imageProductId: productId };
}
const record = (at: Epoch, measurementsPath: string, changes = {}) =>
  catalog.recordMeasurements({ ...at, runNumber: 1, measurementsPath, degradedReasons: [], ...changes });

test('every command may be sent twice', async () => {
  const { groupId, key } = foundGroup(night.database, '2025-10-05T12:30:00Z');
  deliver(night.database, groupId, [0, 1]);
  await twice((command) => catalog.projectGroup(command), projection(groupId, key, { state: 'pending' }));
  await twice((command) => catalog.recordAttempt(command), attempt(groupId));
  const ms = await twice((command) => catalog.recordProduct(command), msRecord(groupId));
  await twice((command) => catalog.recordProduct(command), calibrationRecord(groupId));
  const choice = await twice((command) => catalog.chooseCalibration(command), {
    midMjd: 60_953.51,
    decDeg: 54.57,
    validityHours: 12,
    stripToleranceDeg: 5,
    provisional: false,
  });
  const calibrationSetIds = choice.sets.map((set) => set.id);
  expect(calibrationSetIds).toHaveLength(1);
  const image = await twice(
    (order) => catalog.recordProduct(order),
    imageRecord(groupId, { inputProductIds: [ms.productId], calibrationSetIds }),
  );
  importGrid(night.database, 3);
  const measurementsPath = measured('a', groupId, { 1: 1, 2: 0.5, 3: 0.001 });
  const order = { groupId, runNumber: 1, imageProductId: image.productId, measurementsPath, degradedReasons: ['subbands_missing'] };
  expect(await twice((command) => catalog.recordMeasurements(command), order)).toEqual({ points: 3, variableSources: 0, newSources: 0 });
  await twice((command) => catalog.closeLedger(command), { groupId, outcome: 'degraded' as const, reason: 'two subbands' });
  const audit = {
    actor: 'ann',
    via: 'cli',
    verb: 'resume',
    target: `group/${groupId}`,
    reason: 'disk is free',
    detail: {},
    requestId: 'r-1',
  };
  await twice((command) => catalog.recordAudit(command), audit);
  expect((await twice((command) => catalog.membersOf(command), groupId)).map((member) => member.subband)).toEqual([0, 1]);
  expect(lightCurveOf(night.database, 3)).toMatchObject([{ upper_limit: true, degraded: true, image_product_id: image.productId }]);
  expect(measurementsOnImage(night.database, image.productId).map((point) => point.source_id)).toEqual([1, 2, 3]);
});

test('a source that doubles is called variable, its steady neighbours are not', async () => {
  importGrid(night.database, 20);
  const steady = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [index + 1, 0.5]));
  for (const minute of [0, 5, 10]) {
    const at = await epoch(minute);
    expect(await record(at, measured(`m${minute}`, at.groupId, steady))).toEqual({ points: 20, variableSources: 0, newSources: 0 });
  }
  const at = await epoch(15);
  expect(await record(at, measured('doubled', at.groupId, { ...steady, 7: 1 }))).toEqual({ points: 20, variableSources: 1, newSources: 0 });
  expect(variabilityOfSource(night.database, 7)).toMatchObject({ n: 4, is_variable: true, max_flux_jy: 1 });
});

test('measuring a group again supersedes its points and recomputes exactly the sources they touch', async () => {
  importGrid(night.database, 4);
  const first = await epoch(0);
  const second = await epoch(5);
  await record(first, measured('one', first.groupId, { 1: 1, 2: 1, 3: 1 }));
  await record(second, measured('two', second.groupId, { 1: 1.1, 2: 1.1, 3: 1.1 }));
  const untouched = variabilityOfSource(night.database, 3);
  const again = await epoch(5, 2);
  await record(again, measured('three', second.groupId, { 1: 5, 4: 2 }), { runNumber: 2 });
  // 1 was replaced, 2 and 3 lost their second point, 4 is new.
  expect([1, 2, 3, 4].map((id) => variabilityOfSource(night.database, id)?.n)).toEqual([2, 1, 1, 1]);
  expect(variabilityOfSource(night.database, 1)?.mean_flux_jy).toBeCloseTo(3, 10);
  expect(untouched?.n).toBe(2);
  expect(lightCurveOf(night.database, 1).map((point) => point.flux_jy)).toEqual([1, 5]);
  expect(lightCurveOf(night.database, 1, { includeSuperseded: true })).toHaveLength(3);
});

test('points of an older run that come late are kept and count in nothing', async () => {
  importGrid(night.database, 1);
  const at = await epoch(0, 2);
  await record(at, measured('new', at.groupId, { 1: 2 }), { runNumber: 2 });
  await record(at, measured('old', at.groupId, { 1: 1 }), { runNumber: 1 });
  expect(lightCurveOf(night.database, 1).map((point) => point.flux_jy)).toEqual([2]);
  expect(variabilityOfSource(night.database, 1)).toMatchObject({ n: 1, mean_flux_jy: 2 });
});

test('groups measured in any order end with the same variability', async () => {
  importGrid(night.database, 1);
  const epochs: Epoch[] = [];
  for (const minute of [0, 5, 10, 15, 20]) epochs.push(await epoch(minute));
  const fluxes = [1, 1.3, 0.7, 1.1, 0.95];
  const files = epochs.map((at, index) => measured(`f${index}`, at.groupId, { 1: fluxes[index] ?? 0 }));
  const results: unknown[] = [];
  for (const order of [
    [0, 1, 2, 3, 4],
    [4, 2, 0, 3, 1],
  ]) {
    night.database.exec('DELETE FROM variability; DELETE FROM measurements; DELETE FROM measurement_batches');
    for (const index of order) {
      const at = epochs[index];
      if (at !== undefined) await record(at, files[index] ?? '');
    }
    const row = variabilityOfSource(night.database, 1);
    // Sums of another order differ in the last of 16 digits at most.
    results.push(
      [row?.eta, row?.v, row?.mean_flux_jy, row?.leave_one_out_sigma, row?.excess_fraction].map((value) => value?.toPrecision(12)),
    );
  }
  expect(results[1]).toEqual(results[0]);
});

test('a measurements file that does not parse or names an unknown source is refused whole, for good', async () => {
  importGrid(night.database, 1);
  const at = await epoch(0);
  const broken = measured('broken', at.groupId, { 1: 1 });
  writeFileSync(broken, `${JSON.stringify({ source_id: 1 })}\n`);
  await expect(record(at, broken)).rejects.toMatchObject({ type: 'BadInput', nonRetryable: true, details: [{ code: 'BadMeasurement' }] });
  await expect(record(at, measured('unknown', at.groupId, { 1: 1, 99: 1 }))).rejects.toMatchObject({
    details: [{ code: 'UnknownSource' }],
  });
  expect(lightCurveOf(night.database, 1)).toEqual([]);
});

test('a broken rule of the database is reported as final, with its name', async () => {
  const { groupId, key } = foundGroup(night.database, '2025-10-05T12:30:00Z');
  await catalog.projectGroup(projection(groupId, key, { revision: 1 }));
  await expect(catalog.projectGroup(projection(groupId, key, { revision: 2, state: 'completed' }))).rejects.toMatchObject({
    type: 'Bug',
    nonRetryable: true,
    message: expect.stringContaining('illegal move'),
  });
});
