/** Pages of other addresses: those in `api.cors_origins` may use the API from a browser, others may not. */
import { type ListeningApi, listen } from './listening-api.ts';

const DEVELOPMENT = 'http://localhost:5173';
let api: ListeningApi;
beforeEach(async () => {
  api = await listen({ flags: { 'api.corsOrigins': [DEVELOPMENT] } });
});
afterEach(async () => {
  await api.close();
});

const preflight = (origin: string): Promise<Response> =>
  fetch(`${api.url}/api/v1/groups/2025-10-02T00:05:18/resume`, {
    method: 'OPTIONS',
    headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization, content-type' },
  });

test('a listed page may read, and may ask what it may send', async () => {
  const read = await api.get('/api/v1/groups', { origin: DEVELOPMENT });
  expect(read.status).toBe(200);
  expect(read.headers.get('access-control-allow-origin')).toBe(DEVELOPMENT);
  expect(read.headers.get('vary')).toContain('Origin');
  const asked = await preflight(DEVELOPMENT);
  expect(asked.status).toBe(204);
  expect(asked.headers.get('access-control-allow-methods')).toContain('POST');
  expect(asked.headers.get('access-control-allow-headers')).toContain('authorization');
});

test('any other page is told nothing that would let a browser show it the answer', async () => {
  const other = 'http://elsewhere.example';
  expect((await api.get('/api/v1/groups', { origin: other })).headers.get('access-control-allow-origin')).toBeNull();
  expect((await preflight(other)).headers.get('access-control-allow-origin')).toBeNull();
});

test('a refusal reaches the listed page, too', async () => {
  const refused = await api.post('/api/v1/groups/2025-10-02T00:05:18/resume', { reason: 'antenna 12 was off' }, { origin: DEVELOPMENT });
  expect(refused.status).toBe(401);
  expect(refused.headers.get('access-control-allow-origin')).toBe(DEVELOPMENT);
});
