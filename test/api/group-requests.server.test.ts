/** Requests of an operator through the API to a real group workflow that is parked at step image. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { groupDetailSchema } from '../../src/api/contract/group.ts';
import { problemSchema } from '../../src/api/problem.ts';
import { type RunningApi, startApi } from '../../src/api/serve.ts';
import { createLogger } from '../../src/telemetry/log.ts';
import { freePort } from '../../src/temporal/free-port.ts';
import { OneHost } from '../workflows/one-host.ts';

const BAD_PARAMETER = { type: 'BadInput', code: 'Diverged', whenParameterAbove: { name: 'mgain', limit: 0.75 } } as const;
let host: OneHost;
let api: RunningApi;
let headers: Record<string, string>;

beforeAll(async () => {
  host = await OneHost.create();
  await host.startWorker();
  // The others need a calibration set to come as far as image.
  const transit = host.newGroup();
  host.withCalibrator(transit);
  await transit.announceAll();
  await transit.result();
  const { settings } = host;
  const log = createLogger({ level: 'fatal', name: 'api test' });
  api = await startApi({ settings: { ...settings, api: { ...settings.api, port: await freePort() } }, log });
  const secret = readFileSync(join(settings.paths.state, 'operator.token'), 'utf8').trim();
  headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/json' };
}, 60_000);
afterAll(async () => {
  await api.close();
  await host.stop();
}, 60_000);

const ask = (groupId: string, verb: string, body: unknown) =>
  fetch(`${api.url}/api/v1/groups/${groupId}/${verb}`, { method: 'POST', headers, body: JSON.stringify(body) });
const problemOf = async (response: Response) => problemSchema.parse(await response.json());

async function parkedGroup() {
  host.failing('image', BAD_PARAMETER);
  const group = host.newGroup();
  await group.announceAll();
  await group.parked();
  return group;
}

test('a wrong resume is refused by the workflow with its code, the right one completes the group, a second comes too late', async () => {
  const group = await parkedGroup();
  const shown = groupDetailSchema.parse(await (await fetch(`${api.url}/api/v1/groups/${group.id}`, { headers })).json());
  expect(shown).toMatchObject({ state: 'needs_attention', failed_step: 'image', error: { code: 'Diverged' } });

  const reason = 'the residual diverged';
  const later = await problemOf(await ask(group.id, 'resume', { reason, from: 'photometry' }));
  expect(later).toMatchObject({ status: 422, code: 'invalid_step' });
  const wrong = await problemOf(await ask(group.id, 'resume', { reason, parameters: { mgain: 3 } }));
  expect(wrong).toMatchObject({ status: 422, code: 'invalid_parameters' });

  const accepted = await ask(group.id, 'resume', { reason, parameters: { mgain: 0.7, auto_mask_sigma: 6 } });
  expect(accepted.status).toBe(200);
  expect(await accepted.json()).toMatchObject({ group_id: group.id, processing_stage: 'resuming' });
  expect(await group.result()).toMatchObject({ state: 'completed' });

  const closed = await problemOf(await ask(group.id, 'resume', { reason }));
  expect(closed).toMatchObject({ status: 409, code: 'not_waiting' });
  const late = await problemOf(await ask(group.id, 'cancel', { reason }));
  expect(late).toMatchObject({ status: 409, code: 'already_completed' });
}, 60_000);

test('a parked group is cancelled, with the reason in the audit', async () => {
  const group = await parkedGroup();
  const answer = await ask(group.id, 'cancel', { reason: 'not worth the trouble' });
  expect([answer.status, await answer.json()]).toMatchObject([200, { state: 'cancelled' }]);
  expect(host.read('SELECT actor, verb, reason FROM audit WHERE target = ?', group.id)).toEqual([
    { actor: 'operator', verb: 'cancel', reason: 'not worth the trouble' },
  ]);
}, 60_000);
