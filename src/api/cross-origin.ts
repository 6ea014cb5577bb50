/**
 * Lets pages of the addresses in `api.cors_origins` call the API from a browser (WHATWG Fetch, CORS protocol), and no others.
 * It opens nothing: who may do what is decided by access.ts, and a cookie of ours still changes nothing from another site.
 */
import type { ApiServer } from './api-server.ts';

const METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE';
const REQUEST_HEADERS = 'authorization, content-type, idempotency-key, if-none-match, last-event-id, x-csrf-token';
const ANSWER_HEADERS = 'etag, retry-after, x-request-id';
const REMEMBERED_S = '600';
const NO_CONTENT = 204;

export function installCrossOrigin(app: ApiServer, origins: readonly string[]): void {
  app.addHook('onRequest', (request, reply, next) => {
    // A cache must not hand one site's answer to another.
    void reply.header('vary', 'Origin');
    const { origin } = request.headers;
    if (origin === undefined || !origins.includes(origin)) return next();
    void reply.headers({
      'access-control-allow-origin': origin,
      'access-control-allow-credentials': 'true',
      'access-control-expose-headers': ANSWER_HEADERS,
    });
    if (request.method !== 'OPTIONS' || request.headers['access-control-request-method'] === undefined) return next();
    void reply.headers({
      'access-control-allow-methods': METHODS,
      'access-control-allow-headers': REQUEST_HEADERS,
      'access-control-max-age': REMEMBERED_S,
    });
    void reply.code(NO_CONTENT).send();
  });
}
