/** Mosaics in the product database: who is a member and why others are not, versions, lineage, and what a superseded member does. */
import { projectGroup } from '../../src/catalog/group-projection.ts';
import { hoursDue } from '../../src/catalog/mosaics-due.ts';
import { planMosaic } from '../../src/catalog/mosaic-plan.ts';
import { currentMosaic, membersOfMosaic, mosaicFiles, recordMosaic } from '../../src/catalog/mosaics.ts';
import { recordProduct } from '../../src/catalog/product-record.ts';
import { productById } from '../../src/catalog/products.ts';
import { walkLineage } from '../../src/catalog/lineage-walk.ts';
import { hourMosaicInput } from '../../src/config/mosaic-input.ts';
import { loadSettings } from '../../src/config/load.ts';
import type { GroupProjection } from '../../src/domain/catalog-command.ts';
import type { GroupId } from '../../src/domain/group-id.ts';
import { type MosaicInput, stripHourOf, stripLabel, workflowIdOfMosaic } from '../../src/domain/mosaic.ts';
import type { MosaicTier } from '../../src/domain/mosaic-tier.ts';
import { unixMsToMjd } from '../../src/domain/utc.ts';
import { mosaicRecord } from './mosaic-record.ts';
import { AT, foundGroup, imageRecord, msRecord, type OpenNight, openNight, projection } from './night.ts';

const OTHER_STRIP_RAD = 0.9;
const STRIP_RAD = 0.952;

let night: OpenNight;
beforeEach(() => {
  night = openNight();
});
afterEach(() => night.close());

type Checks = { verdict: 'pass' | 'warn' | 'fail'; checks: { name: string; passed: boolean }[] };

/** A group observed at this time of 2025-10-05 with a current image, finished at `AT`. */
function imaged(
  time: string,
  changes: { decRad?: number; qa?: Checks; group?: Partial<GroupProjection> } = {},
): { groupId: GroupId; image: number } {
  const { groupId, key } = foundGroup(night.database, `2025-10-05T${time}:00Z`, changes.decRad ?? STRIP_RAD);
  const ms = recordProduct(night.database, msRecord(groupId), AT);
  const record = imageRecord(groupId, { inputProductIds: [ms] });
  const qa = changes.qa ?? record.image.qa;
  const image = recordProduct(night.database, { ...record, image: { ...record.image, qa } }, AT);
  projectGroup(night.database, projection(groupId, key, { state: 'completed', completedAt: AT, step: null, ...changes.group }), AT);
  return { groupId, image };
}

const settings = loadSettings({ flags: [{ key: 'policy.mosaic', value: true, name: 'test' }] }).settings;

function inputOf(tier: MosaicTier = 'science'): MosaicInput {
  const midMjd = unixMsToMjd(Date.parse('2025-10-05T12:30:00Z'));
  return { ...hourMosaicInput(settings, stripHourOf({ decDeg: (STRIP_RAD * 180) / Math.PI, midMjd })), tier };
}
const plan = (tier?: MosaicTier) => planMosaic(night.database, inputOf(tier));
const membersNow = (tier?: MosaicTier) => plan(tier).members.map(({ groupId }) => groupId.slice(11, 16));

test('members are those observed in the hour and two on each side, however late they were processed', () => {
  for (const time of ['11:44', '11:49', '11:54', '12:05', '12:55', '13:02', '13:07', '13:12']) imaged(time);
  // Observed in the hour, received and finished a day later.
  imaged('12:30', { group: { receivedAt: '2025-10-06T12:30:00.000Z', completedAt: '2025-10-06T12:40:00.000Z' } });
  expect(membersNow()).toEqual(['11:49', '11:54', '12:05', '12:30', '12:55', '13:02', '13:07']);
});

test('an observation belongs to the hour of its middle, not of its start', () => {
  imaged('11:58');
  const [member] = plan().members;
  expect(member?.groupId).toBe('2025-10-05T11:58:00');
  const midMjd = unixMsToMjd(Date.parse('2025-10-05T11:58:00Z') + 154_500);
  expect(stripHourOf({ decDeg: 54.57, midMjd }).name).toBe('p54.6.2025-10-05T12');
});

test('a neighbour hours away is none', () => {
  imaged('12:05');
  imaged('10:30');
  expect(membersNow()).toEqual(['12:05']);
});

test('two strips are never mixed', () => {
  imaged('12:05');
  imaged('12:10', { decRad: OTHER_STRIP_RAD });
  expect(membersNow()).toEqual(['12:05']);
  expect(plan().leftOut).toEqual([]);
  expect([stripLabel(54.5734), stripLabel(-3.04), stripLabel(0)]).toEqual(['+54.6', '-03.0', '+00.0']);
});

test('each group that is no member is named with its reason, and those that may still come keep the mosaic waiting', () => {
  imaged('12:05');
  imaged('12:10', { qa: { verdict: 'fail', checks: [{ name: 'psf_sidelobe', passed: false }] } });
  imaged('12:15', { qa: { verdict: 'warn', checks: [{ name: 'noise_over_thermal', passed: false }] } });
  foundGroup(night.database, '2025-10-05T12:20:00Z', STRIP_RAD);
  const { groupId, key } = foundGroup(night.database, '2025-10-05T12:25:00Z', STRIP_RAD);
  projectGroup(night.database, projection(groupId, key, { state: 'cancelled', completedAt: AT }), AT);
  expect(plan().leftOut.map(({ reason }) => reason)).toEqual([
    'its image failed its checks: psf_sidelobe',
    'its image is doubtful (noise_over_thermal), which tier science does not take',
    'not finished: collecting',
    'it was cancelled',
  ]);
  expect(plan().open).toEqual(['2025-10-05T12:20:00']);
  expect(membersNow('quicklook')).toEqual(['12:05', '12:15']);
});

test('the grid is for all that was converted, so that a tile that comes later fits on it', () => {
  imaged('12:05');
  const { groupId } = foundGroup(night.database, '2025-10-05T12:10:00Z', STRIP_RAD);
  const before = plan().covers.length;
  recordProduct(night.database, msRecord(groupId), AT);
  expect([before, plan().covers.length]).toEqual([1, 2]);
  expect(plan()).toMatchObject({ halfTileDeg: (2000 * 4) / 2 / 3600, parameters: { cellArcsec: 4, pbCut: 0.2, splineOrder: 3 } });
  expect(plan('quicklook').parameters.cellArcsec).toBe(8);
});

describe('a mosaic of two images', () => {
  let first: number;
  let one: { groupId: GroupId; image: number };
  beforeEach(() => {
    one = imaged('12:05');
    imaged('12:10');
    first = recordMosaic(night.database, mosaicRecord(inputOf(), plan()), AT);
  });
  const rerun = (): number => {
    return recordProduct(
      night.database,
      imageRecord(one.groupId, { runId: 'run-2', runNumber: 2, path: '/data/products/images/again', contentHash: 'again' }),
      AT,
    );
  };

  test('is what stands for its name; told again it changes nothing; with the same members it is made', () => {
    expect(recordMosaic(night.database, mosaicRecord(inputOf(), plan()), AT)).toBe(first);
    expect(currentMosaic(night.database, inputOf().name)).toMatchObject({
      product_id: first,
      status: 'current',
      tiles: 2,
      tier: 'science',
    });
    expect(mosaicFiles(night.database, first)['noise']).toMatch(/noise\.fits$/);
    expect(plan().isMade).toBe(true);
    expect(plan('deep').isMade).toBe(false);
  });

  test('becomes stale in the transaction that supersedes one of its images, and is due until it is made again', () => {
    expect(due()).toEqual([]);
    rerun();
    expect(productById(night.database, first)?.status).toBe('stale');
    expect(due()).toEqual([inputOf().name]);
    const second = recordMosaic(
      night.database,
      mosaicRecord(inputOf(), plan(), { runId: 'run-b', path: '/data/products/mosaics/second', contentHash: 'second' }),
      AT,
    );
    expect(productById(night.database, first)).toMatchObject({ status: 'superseded', superseded_by: second });
    expect(due()).toEqual([]);
  });

  test('whose image is superseded while it is being made is stale from the start', () => {
    const old = mosaicRecord(inputOf(), plan(), { runId: 'run-b', path: '/data/products/mosaics/second', contentHash: 'second' });
    rerun();
    expect(productById(night.database, recordMosaic(night.database, old, AT))?.status).toBe('stale');
  });

  test('is due again when a further image is there', () => {
    imaged('12:15');
    expect(due()).toEqual([inputOf().name]);
  });

  test('leads back to its images and raw files, and an image forward to its mosaic', () => {
    const up = walkLineage(night.database, { kind: 'mosaic', id: String(first) }, 'up');
    expect(up?.nodes.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['mosaic', 'image', 'ms']));
    expect(up?.nodes[0]).toMatchObject({ key: `mosaic/${first}`, label: inputOf().name, status: 'current' });
    const down = walkLineage(night.database, { kind: 'image', id: String(one.image) }, 'down');
    expect(down?.nodes.map(({ key }) => key)).toContain(`mosaic/${first}`);
  });
});

test('a member that the program refused keeps its reason and does not ask for the mosaic again', () => {
  const { image } = imaged('12:05');
  imaged('12:10');
  const record = mosaicRecord(inputOf(), plan(), {}, { [image]: 'it is blank: there is no noise in it' });
  const id = recordMosaic(night.database, record, AT);
  const members = membersOfMosaic(night.database, id);
  expect(members.map(({ is_tile, reason }) => [is_tile, reason])).toEqual([
    [true, null],
    [false, 'it is blank: there is no noise in it'],
  ]);
  expect(members.map(({ weight_share }) => weight_share)).toEqual([1, null]);
  expect(plan().isMade).toBe(true);
});

test('hours are named by strip and time', () => {
  expect(workflowIdOfMosaic(inputOf())).toBe('mosaic/+54.5/2025-10-05T12');
  expect(workflowIdOfMosaic({ ...inputOf(), kind: 'named', name: 'cygnus' })).toBe('mosaic/named/cygnus');
});

const due = (): string[] =>
  hoursDue(night.database, { completedAfter: '2025-10-04T00:00:00.000Z' }, (hour) => hourMosaicInput(settings, hour)).map(
    ({ name }) => name,
  );
