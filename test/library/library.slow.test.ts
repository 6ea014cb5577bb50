/** The exported names do what the pipeline does: real files and a real database; only the science programs are quick ones. */
import { existsSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { recordProduct } from '../../src/catalog/product-record.ts';
import { openForWriting } from '../../src/catalog/database.ts';
import { groupIdSchema } from '../../src/domain/group-id.ts';
import {
  CalibrationStage,
  ConversionStage,
  convertSubbandGroupsToMs,
  createPathMapper,
  ImagingStage,
  MosaicStage,
  PhotometryStage,
  StageRefused,
  StreamingWatcher,
  SubbandQueue,
  type WorkerConfig,
} from '../../src/index.ts';
import { calibrationRecord } from '../catalog/night.ts';
import { ALL_SUBBANDS, BatchFolder } from '../cli/batch-folder.ts';
import { nameOf } from '../ingest/tiny-uvh5.ts';

const GROUP = '2025-10-02T00:05:18';

let batch: BatchFolder;
let config: WorkerConfig & { inputDir: string; stateDir: string };
const database = (): string => join(batch.state, 'db', 'pipeline.sqlite3');
const files = (): string[] => ALL_SUBBANDS.map((subband) => join(batch.input, nameOf(GROUP, subband)));

beforeEach(async () => {
  batch = new BatchFolder();
  await batch.addGroup(GROUP);
  config = {
    inputDir: batch.input,
    outputDir: batch.output,
    stateDir: batch.state,
    python: batch.env['CONTIMG_PATHS__PYTHON'] ?? '',
    temporalAddress: '127.0.0.1:1',
    ompThreads: 1,
    settings: { 'disk.pause_gb': 0, 'watch.settle_s': 0.05, 'log.level': 'fatal' },
  };
}, 30_000);
afterEach(() => batch.remove());

test('paths of sets are those that the pipeline publishes under', async () => {
  const of = (options: { isCalibrator?: boolean; isFailed?: boolean }): string =>
    createPathMapper({ msBaseDir: '/data/ms', ...options })(GROUP);
  expect([of({}), of({ isCalibrator: true }), of({ isFailed: true })]).toEqual(
    ['science', 'calibrators', 'failed'].map((kind) => `/data/ms/${kind}/2025-10-02/${GROUP}.ms`),
  );
  expect(() => createPathMapper({ msBaseDir: '/data/ms' })('tomorrow')).toThrow('a group id looks like');
  const [conversion] = await convertSubbandGroupsToMs({ ...config, startTime: '2025-10-02T00:00:00', endTime: 'mjd:60950.5' });
  expect(conversion).toMatchObject({ outcome: 'converted', ms: createPathMapper({ msBaseDir: join(batch.output, 'ms') })(GROUP) });
}, 30_000);

test('the watcher fills the queue, and the queue tells states and the validity of files', async () => {
  const watcher = new StreamingWatcher(config);
  expect(await watcher.once()).toMatchObject({ admitted_since_start: 16 });
  truncateSync(join(batch.input, nameOf(GROUP, 4)), 3000);
  const queue = new SubbandQueue({ dbPath: database() });
  expect(queue.list({ state: 'collecting' })).toMatchObject([{ group_id: GROUP }]);
  expect(queue.stats()).toMatchObject({ total: 1, byState: { collecting: 1, completed: 0 } });
  const verdict = await queue.validateGroupFiles(GROUP);
  expect({ valid: verdict.valid, bad: verdict.members.filter(({ valid }) => !valid).map(({ subband }) => subband) }).toEqual({
    valid: false,
    bad: [4],
  });
  await expect(queue.validateGroupFiles('2020-01-01T00:00:00')).rejects.toThrow('no group');
  queue.close();
}, 30_000);

test('the stages in their order: each validates, executes on what the one before made, and cleans up', async () => {
  const conversion = new ConversionStage(config);
  expect(await conversion.validate({ hdf5Files: files() })).toEqual([]);
  const converted = await conversion.execute({ hdf5Files: files(), groupId: GROUP });
  expect(converted).toMatchObject({ groupId: GROUP, kind: 'science', lacking: { subbands: [], short: [] } });

  const catalog = openForWriting(database(), { role: 'catalog' });
  const calibration = new CalibrationStage(config);
  expect(await calibration.validate(converted)).toEqual([expect.stringContaining('no calibration set is valid')]);
  await expect(calibration.execute(converted)).rejects.toBeInstanceOf(StageRefused);
  const { midMjd } = converted.conversion;
  const watcher = new StreamingWatcher(config);
  await watcher.once();
  recordProduct(catalog.database, calibrationRecord(groupIdSchema.parse(GROUP), { midMjd, decDeg: 37.24 }), new Date().toISOString());
  catalog.close();
  const calibrated = await calibration.execute(converted);
  expect(calibrated.choice.sets).toHaveLength(1);

  const imaging = new ImagingStage(config);
  const imaged = await imaging.execute(calibrated);
  expect(imaged.image.directory).toBe(join(batch.output, 'images', '2025-10-02', GROUP));
  const photometry = new PhotometryStage(config);
  const measured = await photometry.execute(imaged);
  expect(readFileSync(measured.measurementsPath, 'utf8')).toBe('');
  const mosaicking = new MosaicStage(config);
  const added = await mosaicking.execute({ name: 'strip-37', images: [imaged] });
  expect(added).toMatchObject({ groupId: 'strip-37', directory: join(batch.output, 'mosaics', '2025-10-02', 'strip-37'), leftOut: [] });
  expect(readFileSync(added.mosaic.files.image, 'utf8')).toContain(readFileSync(imaged.image.result.files.image, 'utf8'));
  const good = imaged.image.result;
  const elsewhere = {
    ...imaged,
    groupId: 'elsewhere',
    image: { ...imaged.image, result: { ...good, centreDecDeg: good.centreDecDeg + 1 } },
  };
  const checks = [{ name: 'noise', passed: false }];
  const doubtful = {
    ...imaged,
    groupId: 'doubtful',
    image: { ...imaged.image, result: { ...good, qa: { verdict: 'warn' as const, checks } } },
  };
  expect(await mosaicking.validate({ name: 'no name', images: [] })).toEqual([
    expect.stringContaining('up to 64 letters'),
    'no image is given',
  ]);
  expect(await mosaicking.validate({ name: 'two', images: [imaged, imaged, elsewhere] })).toEqual([
    `${GROUP} is given twice`,
    expect.stringContaining('one strip a mosaic'),
  ]);
  expect(await mosaicking.validate({ name: 'weak', images: [doubtful] })).toEqual([expect.stringContaining('doubtful (noise)')]);
  const both = await mosaicking.execute({ name: 'both', images: [doubtful, imaged] });
  expect(both.leftOut).toEqual([{ groupId: 'doubtful', reason: expect.stringContaining('which tier science does not take') }]);
  await mosaicking.cleanup(both);
  rmSync(calibrated.ms, { recursive: true });
  expect(await imaging.validate(calibrated)).toEqual([`${calibrated.ms} is not there`]);

  for (const [stage, result] of [
    [conversion, converted],
    [calibration, calibrated],
    [imaging, imaged],
    [photometry, measured],
    [mosaicking, added],
  ] as const) {
    await stage.cleanup(result);
  }
  for (const name of [GROUP, 'strip-37']) expect(existsSync(join(batch.output, '.work', name))).toBe(false);
  expect(existsSync(converted.ms)).toBe(true);
}, 60_000);

test('a stage refuses in words what it cannot use', async () => {
  const stage = new ConversionStage(config);
  const few = await stage.validate({ hdf5Files: files().slice(0, 3) });
  expect(few).toEqual(['3 usable subbands, at least 14 are needed']);
  const other = await stage.validate({ hdf5Files: files(), groupId: '2025-10-02T00:10:27' });
  expect(other).toEqual([`the files are of group ${GROUP}, not 2025-10-02T00:10:27`]);
}, 30_000);
