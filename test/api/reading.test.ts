import { symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { groupDetailSchema, groupListSchema } from '../../src/api/contract/group.ts';
import { imageListSchema, imageSchema } from '../../src/api/contract/image.ts';
import { lightCurveSchema, sourceListSchema } from '../../src/api/contract/source.ts';
import { lineageSchema } from '../../src/api/contract/lineage.ts';
import { statusSchema } from '../../src/api/contract/status.ts';
import { stepListSchema } from '../../src/api/contract/step.ts';
import { problemSchema } from '../../src/api/problem.ts';
import { candidateListSchema } from '../../src/api/contract/candidate.ts';
import { recordBatch } from '../../src/catalog/measurements.ts';
import { importSources } from '../../src/catalog/source-import.ts';
import { sourceByName } from '../../src/catalog/sources.ts';
import { recordImage } from '../catalog/images-of-a-field.ts';
import { defaultStepParameters } from '../../src/domain/step-parameters.ts';
import { type ListeningApi, listen } from './listening-api.ts';
import { found, type Night, writeNight } from './night.ts';

let api: ListeningApi;
let night: Night;
beforeAll(async () => {
  api = await listen();
  night = writeNight(api.database, api.settings.paths.output, api.clock.nowMs);
});
afterAll(async () => {
  await api.close();
});

describe('status', () => {
  test('holds the whole of page Now, and the alias of the seed documents answers the same', async () => {
    const status = statusSchema.parse(await (await api.get('/api/status')).json());
    expect(status.queue).toMatchObject({ completed: 1, needs_attention: 1, collecting: 1, failed: 0 });
    expect(status).toMatchObject({ service: 'contimg', state: 'degraded', needs_attention: 1, last_image: { image_id: night.imageId } });
    expect(status.disk[0]?.free_gb).toBeGreaterThan(0);
    statusSchema.parse(await (await api.get('/api/v1/status')).json());
  });

  test('gives the real-time factor as group length over busy slot-seconds', async () => {
    const status = statusSchema.parse(await (await api.get('/api/status')).json());
    // Heavy steps of the completed group: concat, organize, flag, calibrate, image, photometry as written by night.ts.
    const busyS = 3.2 + 3 + (3.2 + 5) + (3.2 + 6) + (3.2 + 7) + 61.4 + (3.2 + 9);
    expect(status.realtime_factor).toBeCloseTo((12.885 * 24 * api.settings.worker.slots) / busyS, 6);
  });

  test('gives local sidereal time of the site', async () => {
    const { time } = statusSchema.parse(await (await api.get('/api/status')).json());
    expect(time.lst_hours).toBeGreaterThanOrEqual(0);
    expect(time.lst_hours).toBeLessThan(24);
  });
});

describe('groups', () => {
  test('are listed newest first, page by page, while new ones arrive', async () => {
    const first = groupListSchema.parse(await (await api.get('/api/v1/groups?limit=2')).json());
    expect(first.items.map((group) => group.group_id)).toEqual([night.collecting, night.needsAttention]);
    expect(first.total).toBe(3);
    const second = groupListSchema.parse(await (await api.get(`/api/v1/groups?limit=2&cursor=${first.next_cursor}`)).json());
    expect(second.items.map((group) => group.group_id)).toEqual([night.completed]);
    expect(second.next_cursor).toBeNull();
  });

  test('are filtered before the limit', async () => {
    const list = groupListSchema.parse(await (await api.get('/api/v1/groups?state=needs_attention&limit=1')).json());
    expect(list).toMatchObject({ total: 1, items: [{ group_id: night.needsAttention, error_type: 'ToolFailed' }] });
    const none = groupListSchema.parse(await (await api.get('/api/v1/groups?start=mjd:10000&end=mjd:10001')).json());
    expect(none).toMatchObject({ total: 0, items: [] });
  });

  test('one group tells its subbands, attempts, products and what a person can do', async () => {
    const group = groupDetailSchema.parse(await (await api.get(`/api/v1/groups/${night.needsAttention}`)).json());
    expect(group.verbs_allowed).toEqual(['resume', 'cancel']);
    expect(group.resumable_from.at(-1)).toBe('image');
    expect(group.explanation.join(' ')).toContain('WSCleanDiverged');
    expect(group.attempts.filter((attempt) => attempt.outcome === 'failed')).toHaveLength(2);
    const collecting = groupDetailSchema.parse(await (await api.get(`/api/v1/groups/${night.collecting}`)).json());
    expect(collecting.subbands.map((cell) => cell.status).slice(8, 11)).toEqual(['valid', 'invalid', 'missing']);
  });

  test('an alias is answered with the canonical id', async () => {
    const group = groupDetailSchema.parse(await (await api.get('/api/v1/groups/2025-10-02T00:05:17')).json());
    expect(group.group_id).toBe(night.completed);
  });

  test('an alias that fits two groups is refused', async () => {
    const { addAlias } = await import('../../src/catalog/group-aliases.ts');
    for (const groupId of [night.completed, night.collecting])
      addAlias(api.database, { alias: '2025-01-01T00:00:00', groupId, source: 'test' });
    const problem = problemSchema.parse(await (await api.get('/api/v1/groups/2025-01-01T00:00:00')).json());
    expect(problem).toMatchObject({ status: 409, code: 'ambiguous_group' });
  });
});

describe('images', () => {
  test('are listed and given one by one', async () => {
    const list = imageListSchema.parse(await (await api.get(`/api/v1/imaging/images?group_id=${night.completed}`)).json());
    expect(list).toMatchObject({ total: 1, items: [{ image_id: night.imageId, qa_verdict: 'pass' }] });
    const image = imageSchema.parse(await (await api.get(`/api/v1/imaging/images/${night.imageId}`)).json());
    expect(image.noise_jy).toBe(0.00042);
  });

  test('the picture comes as PNG with a strong tag, and not again to who has it', async () => {
    const response = await api.get(`/api/v1/imaging/images/${night.imageId}/png`);
    expect(response.headers.get('content-type')).toBe('image/png');
    const bytes = Buffer.from(await response.arrayBuffer());
    expect(bytes.subarray(1, 4).toString()).toBe('PNG');
    const tag = response.headers.get('etag') ?? '';
    expect(tag).toMatch(/^"/);
    const again = await api.get(`/api/v1/imaging/images/${night.imageId}/png`, { 'if-none-match': tag });
    expect([again.status, (await again.arrayBuffer()).byteLength]).toEqual([304, 0]);
  });

  test('a picture that is a link out of the storage locations is not handed out', async () => {
    const secret = join(api.folder, 'secret.png');
    writeFileSync(secret, 'not yours');
    unlinkSync(night.pngPath);
    symlinkSync(secret, night.pngPath);
    const response = await api.get(`/api/v1/imaging/images/${night.imageId}/png`);
    const text = await response.text();
    expect(problemSchema.parse(JSON.parse(text))).toMatchObject({ status: 400, code: 'path_outside_roots' });
    expect(text).not.toContain('not yours');
  });

  test('a picture that is gone says so', async () => {
    unlinkSync(night.pngPath);
    const problem = problemSchema.parse(await (await api.get(`/api/v1/imaging/images/${night.imageId}/png`)).json());
    expect(problem).toMatchObject({ status: 410, code: 'product_deleted' });
  });
});

describe('sources', () => {
  test('have a light curve of detections and upper limits in time order', async () => {
    const at = new Date(api.clock.nowMs).toISOString();
    importSources(api.database, {
      name: 'test',
      csv: 'name,ra_deg,dec_deg,flux_jy\nJ1331+3030,202.784,30.509,14.9\nJ0000+0000,0,0,\n',
      at,
    });
    const sourceId = sourceByName(api.database, 'J1331+3030')?.id ?? 0;
    const line = { sourceId, errorJy: 0.01, localRmsJy: 0.004, pbResponse: 0.9, chi2: null, kind: 'forced' as const, flags: [] };
    recordBatch(api.database, {
      groupId: night.completed,
      runNumber: 1,
      imageProductId: night.imageId,
      digest: 'd',
      degradedReasons: [],
      at,
      lines: [
        { ...line, mjd: 60_001, fluxJy: 1.5, snr: 150, upperLimit: false },
        { ...line, mjd: 60_000, fluxJy: 1.2, snr: 120, upperLimit: false },
        { ...line, mjd: 60_002, fluxJy: 0.002, snr: 0.5, upperLimit: true },
      ],
    });
    const curve = lightCurveSchema.parse(await (await api.get(`/api/v1/sources/${sourceId}/lightcurve`)).json());
    expect(curve.points.map((point) => point.mjd)).toEqual([60_000, 60_001]);
    expect(curve.upper_limits).toHaveLength(1);
    expect(curve.points[0]).toMatchObject({ at: '2023-02-25T00:00:00.000Z', image_id: night.imageId });
    const csv = await api.get(`/api/v1/sources/${sourceId}/lightcurve?format=csv`);
    expect(csv.headers.get('content-type')).toContain('text/csv');
    expect((await csv.text()).split('\n').map((row) => row.split(',').slice(0, 2).join(' '))).toEqual([
      'mjd flux_jy',
      '60000 1.2',
      '60001 1.5',
      '60002 0.002',
      '',
    ]);
    const votable = await api.get(`/api/v1/sources/${sourceId}/lightcurve?format=votable`);
    expect([votable.headers.get('content-type'), await votable.text()]).toEqual([
      expect.stringContaining('application/x-votable+xml'),
      expect.stringMatching(/^<\?xml .*<TD>60002<\/TD>/s),
    ]);
    const some = lightCurveSchema.parse(await (await api.get(`/api/v1/sources/${sourceId}/lightcurve?start=mjd:60001`)).json());
    expect(some.points).toHaveLength(1);
    const list = sourceListSchema.parse(await (await api.get('/api/v1/sources?limit=1')).json());
    expect(list).toMatchObject({ total: 2, items: [{ name: 'J0000+0000', n_points: 0, mean_flux_jy: null }] });
    const rest = sourceListSchema.parse(await (await api.get(`/api/v1/sources?limit=1&cursor=${list.next_cursor}`)).json());
    expect(rest.items[0]?.name).toBe('J1331+3030');
  });
});

describe('steps', () => {
  test('carry the JSON Schema of their parameters in the spelling of requests', async () => {
    const { steps } = stepListSchema.parse(await (await api.get('/api/v1/steps')).json());
    const image = steps.find((step) => step.name === 'image');
    expect(image?.parameters.properties['auto_threshold_sigma']).toMatchObject({
      type: 'number',
      minimum: 0.3,
      maximum: 20,
      default: defaultStepParameters().image.autoThresholdSigma,
    });
    expect(image?.defaults).toEqual(image?.configured);
    expect(steps).toHaveLength(12);
  });
});

describe('every answer', () => {
  test('in JSON has a tag, and is not sent again to who has it', async () => {
    const response = await api.get('/api/v1/groups');
    const tag = response.headers.get('etag') ?? '';
    const again = await api.get('/api/v1/groups', { 'if-none-match': tag });
    expect([again.status, await again.text()]).toEqual([304, '']);
    found(api.database, api.clock.nowMs + 3_600_000);
    expect((await api.get('/api/v1/groups', { 'if-none-match': tag })).status).toBe(200);
  });

  test('carries a content security policy without inline script', async () => {
    const policy = (await api.get('/api/status')).headers.get('content-security-policy') ?? '';
    expect(policy).toContain("script-src 'self'");
    expect(policy).not.toContain('unsafe-inline');
  });

  test('is described in the OpenAPI document', async () => {
    const document = (await (await api.get('/api/openapi.json')).json()) as { openapi: string; paths: Record<string, unknown> };
    expect(document.openapi).toBe('3.1.0');
    expect(Object.keys(document.paths)).toEqual(
      expect.arrayContaining(['/api/status', '/api/v1/groups/{id}/resume', '/api/v1/imaging/images/{id}/png', '/api/v1/events']),
    );
  });
});

test('candidates are listed by score with the word of a person, and filtered', async () => {
  const sourceId = sourceByName(api.database, 'J1331+3030')?.id ?? 0;
  const fluxesJy = [1, 1, 3];
  for (const [day, flux] of fluxesJy.entries()) recordImage(api.database, { day, scale: 1, fluxesJy: [flux], firstSource: sourceId });
  const list = candidateListSchema.parse(await (await api.get('/api/v1/sources/candidates?status=new')).json());
  expect(list).toMatchObject({ total: 1, items: [{ name: 'J1331+3030', status: 'new', preset: 'moderate', decided_by: null }] });
  const none = candidateListSchema.parse(await (await api.get('/api/v1/sources/candidates?score_min=1e9')).json());
  expect(none).toEqual({ items: [], total: 0 });
});

test('the lineage of a thing is given whole or so many steps of it, by any name of a group', async () => {
  const whole = lineageSchema.parse(await (await api.get('/api/v1/lineage/group/2025-10-02T00:05:17')).json());
  expect(whole.nodes.map(({ key }) => key)).toContain(`image/${night.imageId}`);
  const image = lineageSchema.parse(await (await api.get(`/api/v1/lineage/image/${night.imageId}?direction=down&depth=1`)).json());
  expect(image.edges).toContainEqual({ from: 'measurements/1', to: `image/${night.imageId}` });
  expect(image.nodes[0]?.attempts.map(({ step }) => step)).toEqual(['flag', 'calibrate', 'image']);
  expect(problemSchema.parse(await (await api.get('/api/v1/lineage/ms/99999')).json())).toMatchObject({
    status: 404,
    code: 'unknown_product',
  });
});
