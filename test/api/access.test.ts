import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { identitySchema } from '../../src/api/contract/identity.ts';
import { openOperatorToken } from '../../src/api/operator-token.ts';
import { problemSchema } from '../../src/api/problem.ts';
import { type ListeningApi, listen } from './listening-api.ts';
import { found } from './night.ts';

const HOURS_MS = 3_600_000;
let api: ListeningApi;
let groupId: string;
beforeEach(async () => {
  api = await listen();
  groupId = found(api.database, api.clock.nowMs);
});
afterEach(async () => {
  await api.close();
});

const problemOf = async (response: Response) => {
  expect(response.headers.get('content-type')).toContain('application/problem+json');
  const problem = problemSchema.parse(await response.json());
  expect(problem.status).toBe(response.status);
  expect(problem.request_id).toBe(response.headers.get('x-request-id'));
  expect(JSON.stringify(problem)).not.toContain('node_modules');
  return problem;
};
const resume = (headers: Record<string, string> = {}, body: unknown = { reason: 'antenna 12 was off' }) =>
  api.post(`/api/v1/groups/${groupId}/resume`, body, headers);

const asOperator = () => ({ authorization: `Bearer ${api.secret}` });
const sendToLogin = async (body: string, type: string) =>
  problemOf(await fetch(`${api.url}/api/v1/auth/login`, { method: 'POST', body, headers: { 'content-type': type } }));

async function signIn(): Promise<{ cookie: string; csrf: string }> {
  const response = await api.post('/api/v1/auth/login', { token: api.secret });
  const identity = identitySchema.parse(await response.json());
  const setCookie = response.headers.get('set-cookie') ?? '';
  expect(setCookie).toMatch(/HttpOnly; SameSite=Strict/);
  return { cookie: setCookie.split(';')[0] ?? '', csrf: identity.csrf_token ?? '' };
}

describe('anonymous', () => {
  test('may read from this machine, and change nothing', async () => {
    expect((await api.get('/api/v1/groups')).status).toBe(200);
    expect(await problemOf(await resume())).toMatchObject({ status: 401, code: 'sign_in_required' });
  });

  test.each([
    ['a forwarding header is there', { 'x-forwarded-for': '10.0.0.1' }],
    ['a Forwarded header is there', { forwarded: 'for=10.0.0.1' }],
  ])('may not read when %s', async (_case, headers) => {
    expect(await problemOf(await api.get('/api/v1/groups', headers))).toMatchObject({ status: 401, code: 'sign_in_required' });
  });

  test('may not read when Host names another machine, as after a rebinding', async () => {
    const { request } = await import('node:http');
    const status = await new Promise((resolve, reject) => {
      request(`${api.url}/api/v1/groups`, { headers: { host: 'evil.example' } }, (response) => resolve(response.resume().statusCode))
        .on('error', reject)
        .end();
    });
    expect(status).toBe(401);
  });

  test('gets no more than name, version and state where reading is off', async () => {
    const closed = await listen({ flags: { 'api.anonymousRead': 'off' } });
    expect(Object.keys((await (await closed.get('/api/status')).json()) as object)).toEqual(['service', 'version', 'state']);
    expect((await closed.get('/api/v1/groups')).status).toBe(401);
    expect((await closed.get('/api/v1/groups', { authorization: `Bearer ${closed.secret}` })).status).toBe(200);
    expect((await closed.get('/api/v1/health/live')).status).toBe(200);
    expect((await closed.get('/api/v1/health/ready')).status).toBe(200);
    await closed.close();
  });
});

describe('the operator token', () => {
  test('is made once, readable by its owner only', () => {
    expect(statSync(api.token.path).mode & 0o777).toBe(0o600);
    const again = openOperatorToken(api.settings.paths.state);
    expect([again.created, readFileSync(again.path, 'utf8').trim()]).toEqual([false, api.secret]);
  });

  test('is refused when other users can read it', () => {
    chmodSync(api.token.path, 0o644);
    expect(() => openOperatorToken(api.settings.paths.state)).toThrow(/can be read by other users/);
    chmodSync(api.token.path, 0o600);
  });

  test('lets a request through to the workflow, which is down here: 503 with a remedy', async () => {
    const problem = await problemOf(await resume({ authorization: `Bearer ${api.secret}` }));
    expect(problem).toMatchObject({ status: 503, code: 'temporal_unreachable' });
    expect(problem.remedy).toContain('contimg up');
  }, 15_000);

  test('a wrong one is refused, also for reading', async () => {
    expect(await problemOf(await api.get('/api/v1/groups', { authorization: 'Bearer cimg_operator_wrong' }))).toMatchObject({
      code: 'sign_in_required',
    });
  });
});

describe('a session', () => {
  test('is begun with the token and known by its cookie', async () => {
    const { cookie, csrf } = await signIn();
    const me = identitySchema.parse(await (await api.get('/api/v1/auth/me', { cookie })).json());
    expect(me).toMatchObject({ role: 'operator', csrf_token: csrf });
    expect((await api.post('/api/v1/auth/login', { token: 'guess' })).status).toBe(401);
  });

  test('changes nothing without the CSRF token and our own origin', async () => {
    const { cookie, csrf } = await signIn();
    for (const headers of [
      { cookie },
      { cookie, origin: api.url },
      { cookie, origin: api.url, 'x-csrf-token': 'x'.repeat(csrf.length) },
      { cookie, origin: 'http://evil.example', 'x-csrf-token': csrf },
    ]) {
      expect(await problemOf(await resume(headers))).toMatchObject({ status: 403, code: 'csrf_failed' });
    }
    expect(await problemOf(await resume({ cookie, origin: api.url, 'x-csrf-token': csrf }))).toMatchObject({
      code: 'temporal_unreachable',
    });
  }, 15_000);

  test('ends after 12 hours, says so, and can be begun again', async () => {
    const { cookie, csrf } = await signIn();
    api.clock.nowMs += 12 * HOURS_MS + 1;
    const headers = { cookie, origin: api.url, 'x-csrf-token': csrf };
    expect(await problemOf(await resume(headers))).toMatchObject({ status: 401, code: 'token_expired' });
    expect((await api.post('/api/v1/auth/login', { token: api.secret }, headers)).status).toBe(200);
  });

  test('of a forged cookie is none', async () => {
    const { cookie } = await signIn();
    expect(await problemOf(await resume({ cookie: cookie.replace(/\d/, (digit) => (digit === '9' ? '8' : '9')) }))).toMatchObject({
      code: 'sign_in_required',
    });
  });

  test('is ended by signing out', async () => {
    const { cookie, csrf } = await signIn();
    const response = await api.post('/api/v1/auth/logout', {}, { cookie, origin: api.url, 'x-csrf-token': csrf });
    expect(response.headers.get('set-cookie')).toMatch(/Max-Age=0/);
  });
});

describe('roles', () => {
  test('a route without one does not register', async () => {
    await expect(
      (async () => {
        api.app.get('/api/v1/forgotten', async () => 'open to all');
      })(),
    ).rejects.toThrow(/declares no role|already listening/);
  });

  test('an operator is told which role a route of an administrator needs', async () => {
    const withAdmin = await listen({
      before: (app) => {
        app.get('/api/v1/admin-only', { config: { role: 'admin' } }, async () => ({}));
      },
    });
    const problem = await problemOf(await withAdmin.get('/api/v1/admin-only', { authorization: `Bearer ${withAdmin.secret}` }));
    expect(problem).toMatchObject({ status: 403, code: 'role_too_low' });
    expect(problem.detail).toContain('admin');
    await withAdmin.close();
  });

  test('every mutation of a group is closed to who has not signed in', async () => {
    const document = (await (await api.get('/api/openapi.json')).json()) as { paths: Record<string, Record<string, unknown>> };
    const mutations = Object.entries(document.paths).flatMap(([path, methods]) => ('post' in methods ? [path] : []));
    const open = mutations.filter((path) => path !== '/api/v1/auth/login' && path !== '/api/v1/auth/logout');
    expect(open).toEqual(['/api/v1/groups/{id}/resume', '/api/v1/groups/{id}/cancel']);
    for (const path of open) {
      const response = await api.post(path.replace('{id}', groupId), { reason: 'long enough' });
      expect([path, response.status]).toEqual([path, 401]);
    }
  });
});

describe('what does not parse', () => {
  test.each([
    ['a reason too short', { reason: 'why' }, 422, 'reason_required'],
    ['no reason', {}, 422, 'reason_required'],
    ['a step that is none', { reason: 'long enough', from: 'imaging' }, 422, 'invalid_step'],
    ['a field nobody knows', { reason: 'long enough', force: true }, 400, 'invalid_request'],
  ])('%s', async (_case, body, status, code) => {
    const problem = await problemOf(await resume(asOperator(), body));
    expect(problem).toMatchObject({ status, code });
    expect(problem.errors.length).toBeGreaterThan(0);
  });

  test.each([
    ['/api/v1/nothing', 404, 'unknown_route'],
    ['/api/v1/groups/2001-01-01T00:00:00', 404, 'unknown_group'],
    ['/api/v1/imaging/images/99', 404, 'unknown_product'],
    ['/api/v1/imaging/images/99/png', 404, 'unknown_product'],
    ['/api/v1/sources/99/lightcurve', 404, 'unknown_source'],
    ['/api/v1/groups?limit=0', 400, 'invalid_request'],
    ['/api/v1/groups?colour=red', 400, 'invalid_request'],
    ['/api/v1/groups?cursor=nonsense', 400, 'invalid_cursor'],
    ['/api/v1/groups?start=yesterday', 400, 'invalid_time'],
    ['/api/v1/imaging/images/..%2f..%2fetc', 400, 'invalid_request'],
  ])('%s', async (path, status, code) => {
    expect(await problemOf(await api.get(path))).toMatchObject({ status, code });
  });

  test('a body that is no JSON, too large, or of another type', async () => {
    expect(await sendToLogin('{"token":', 'application/json')).toMatchObject({ code: 'invalid_request' });
    expect(await sendToLogin(`{"token":"${'x'.repeat(1024 ** 2)}"}`, 'application/json')).toMatchObject({ status: 413, code: 'too_large' });
    expect(await sendToLogin('<token/>', 'application/xml')).toMatchObject({ status: 415, code: 'unsupported_type' });
  });

  test('a database that cannot be read is not a bug of ours, and readiness says so', async () => {
    // All pages are overwritten, in the file and in its log: what a dying disk gives back.
    for (const name of ['pipeline.sqlite3', 'pipeline.sqlite3-wal']) {
      const path = join(api.settings.paths.state, 'db', name);
      writeFileSync(path, Buffer.alloc(statSync(path).size, 0x5a));
    }
    expect((await api.get('/api/v1/health/ready')).status).toBe(503);
    expect(await problemOf(await api.get('/api/v1/groups'))).toMatchObject({ status: 503, code: 'catalog_unavailable' });
  });
});

describe('limits', () => {
  test('ten sign-ins a minute, then 429 with Retry-After', async () => {
    const codes: number[] = [];
    let last = await api.post('/api/v1/auth/login', { token: 'guess' });
    for (let attempt = 2; attempt <= 11; attempt += 1) {
      codes.push(last.status);
      last = await api.post('/api/v1/auth/login', { token: 'guess' });
    }
    expect(codes).toEqual(Array(10).fill(401));
    expect(last.headers.get('retry-after')).not.toBeNull();
    expect(await problemOf(last)).toMatchObject({ status: 429, code: 'rate_limited' });
  });

  test('120 anonymous reads a minute; an operator still reads', async () => {
    const answers = await Promise.all(Array.from({ length: 121 }, () => api.get('/api/v1/steps')));
    expect(answers.filter((answer) => answer.status === 429)).toHaveLength(1);
    expect((await api.get('/api/v1/steps', { authorization: `Bearer ${api.secret}` })).status).toBe(200);
  });
});
