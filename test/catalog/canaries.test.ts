/** Canaries in the product database: which group is taken, what is kept of a run, and what metrics and warnings say of it. */
import { canaryMeasurements, canarySubject, listCanaries, writeCanary } from '../../src/catalog/canaries.ts';
import { projectGroup } from '../../src/catalog/group-projection.ts';
import { recordProduct } from '../../src/catalog/product-record.ts';
import { loadSettings } from '../../src/config/load.ts';
import type { CanaryMeasurement } from '../../src/domain/canary.ts';
import type { CanaryRecord } from '../../src/domain/canary-command.ts';
import type { GroupId } from '../../src/domain/group-id.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { PipelineWarnings } from '../../src/telemetry/warnings.ts';
import { AT, foundGroup, imageRecord, openNight, type OpenNight, projection } from './night.ts';

const AT_MS = Date.parse(AT);
const later = (seconds: number): string => new Date(AT_MS + seconds * 1000).toISOString();
const settingsWith = (flags: Record<string, unknown>) =>
  loadSettings({ flags: Object.entries(flags).map(([key, value]) => ({ key, value, name: key })) }).settings;

let night: OpenNight;
beforeEach(() => {
  night = openNight();
});
afterEach(() => night.close());

let founded = 0;
/** A group completed so many seconds after AT, with its image; answers the image's product id too. */
function completed(seconds: number, changes: { calibrator?: string } = {}): { groupId: GroupId; imageProductId: number } {
  founded += 1;
  const { groupId, key } = foundGroup(night.database, new Date(Date.parse('2025-10-05T02:00:00Z') + founded * 310_000).toISOString());
  const imageProductId = recordProduct(night.database, imageRecord(groupId, { path: `/data/products/images/${groupId}` }), AT);
  const done = { state: 'completed', completedAt: later(seconds), host: 'h17', hasCalibrator: changes.calibrator ?? null } as const;
  projectGroup(night.database, projection(groupId, key, { ...done, revision: 5 }), AT);
  return { groupId, imageProductId };
}

const measurement = (changes: Partial<CanaryMeasurement> = {}): CanaryMeasurement => ({
  name: 'canary-100',
  kind: 'steady',
  raDeg: 100,
  decDeg: 50,
  response: 0.8,
  injectedJy: 0.1,
  measuredJy: 0.099,
  errorJy: 0.002,
  beforeJy: 0.001,
  snr: 98,
  offsetArcsec: 0.2,
  passed: true,
  ...changes,
});
const record = (of: { groupId: GroupId; imageProductId: number }, changes: Partial<CanaryRecord> = {}): CanaryRecord => ({
  runId: `run of ${of.groupId}`,
  ...of,
  host: 'h17',
  by: 'schedule',
  startedAt: later(100),
  endedAt: later(160),
  verdict: 'pass',
  reasons: [],
  directory: `/data/products/canary/${of.groupId}`,
  measurements: [measurement()],
  ...changes,
});

test('the science group completed last is taken, once; by name any', () => {
  expect(canarySubject(night.database, null)).toEqual({ group: null, reason: 'no science group has an image that passed' });
  const [first, last] = [completed(10), completed(20)];
  completed(30, { calibrator: '3C147' });
  const reasonOf = (id: GroupId | null): string | null => {
    const chosen = canarySubject(night.database, id);
    return chosen.group === null ? chosen.reason : null;
  };
  // These groups have no Measurement Set on record: the choice goes as far as saying so.
  expect(reasonOf(null)).toMatch(new RegExp(`^${last.groupId} is not on record whole`));
  writeCanary(night.database, record(last));
  expect(reasonOf(null)).toBe(`${last.groupId}, completed last, had its canary`);
  expect(reasonOf(first.groupId)).toMatch(new RegExp(`^${first.groupId} is not on record whole`));
  expect(reasonOf(last.groupId)).toMatch(new RegExp(`^${last.groupId} is not on record whole`));
});

test('a run is kept once with its sources, below the output folder, and adds nothing to the light curves', () => {
  const group = completed(10);
  writeCanary(night.database, record(group));
  writeCanary(night.database, record(group, { verdict: 'fail', reasons: ['told again, differently'] }));
  expect(listCanaries(night.database, 5)).toMatchObject([
    { run_id: `run of ${group.groupId}`, verdict: 'pass', location: 'output', path: `/data/products/canary/${group.groupId}` },
  ]);
  expect(canaryMeasurements(night.database, `run of ${group.groupId}`)).toMatchObject([{ name: 'canary-100', passed: true }]);
  const counts = ['measurements', 'measurement_batches', 'sources', 'variability', 'candidates'].map((table) =>
    night.database.prepare(`SELECT COUNT(*) FROM ${table}`).pluck().get(),
  );
  expect(counts).toEqual([0, 0, 0, 0, 0]);
});

test('metrics tell the ratio without the noise of the place, the offset, the age and every failure', async () => {
  const settings = settingsWith({ 'paths.database': night.path });
  const lines = async () => (await createMetrics(settings, []).text()).split('\n').filter((line) => line.startsWith('contimg_canary'));
  expect(await lines()).toEqual(['contimg_canary_failures_total 0']);
  writeCanary(night.database, record(completed(10)));
  const failed: Partial<CanaryRecord> = {
    verdict: 'error',
    reasons: ['ToolFailed: it fell over'],
    directory: null,
    measurements: [],
    endedAt: later(200),
  };
  writeCanary(night.database, record(completed(20), failed));
  const told = await lines();
  expect(told).toEqual(
    expect.arrayContaining([
      'contimg_canary_flux_ratio{source="canary-100"} 0.98',
      'contimg_canary_position_offset_arcsec{source="canary-100"} 0.2',
      'contimg_canary_duration_seconds{verdict="error"} 100',
      'contimg_canary_failures_total 1',
    ]),
  );
  const age = Number(told.find((line) => line.startsWith('contimg_canary_age_seconds '))?.split(' ')[1]);
  expect(age).toBeCloseTo((Date.now() - Date.parse(later(200))) / 1000, -1);
});

describe('an operator hears', () => {
  const messages = (warnings: PipelineWarnings, seconds: number): string[] =>
    warnings
      .look(night.database, AT_MS + seconds * 1000)
      .filter(({ message }) => message.includes('anary'))
      .map(({ message }) => message);

  test('once of a canary that did not pass, and nothing of one that did', () => {
    const warnings = new PipelineWarnings(settingsWith({}), AT);
    writeCanary(night.database, record(completed(10)));
    expect(messages(warnings, 170)).toEqual([]);
    const bad = completed(20);
    writeCanary(night.database, record(bad, { verdict: 'fail', reasons: ['canary-100: 0.900'], endedAt: later(180) }));
    expect(messages(warnings, 190)).toEqual([`Canary of group ${bad.groupId} did not pass: canary-100: 0.900: see contimg canary ls`]);
    expect(messages(warnings, 200)).toEqual([]);
  });

  test('of silence while groups are completed, if canaries are switched on', () => {
    completed(600);
    const on = new PipelineWarnings(settingsWith({ 'canary.enabled': true }), AT);
    expect(messages(on, 3 * 3600 - 1)).toEqual([]);
    expect(messages(on, 3 * 3600 + 1)).toEqual([
      expect.stringMatching(/^No canary ended since .*, 1 groups were completed: see contimg schedule/),
    ]);
    expect(messages(new PipelineWarnings(settingsWith({}), AT), 3 * 3600 + 1)).toEqual([]);
  });
});
