/** ETag on every JSON answer to a GET, and 304 without a body when the caller has it already. */
import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ApiServer } from './api-server.ts';

export function installEntityTags(app: ApiServer): void {
  app.addHook('onSend', async (request, reply, payload) => {
    if (request.method !== 'GET' || reply.statusCode !== 200 || typeof payload !== 'string') return payload;
    const digest = createHash('sha256').update(payload).digest('base64url').slice(0, 27);
    return answerWithTag(request, reply, `"${digest}"`) ? '' : payload;
  });
}

/** Sets the tag; true when the caller holds this version and gets 304. */
export function answerWithTag(request: FastifyRequest, reply: FastifyReply, tag: string): boolean {
  void reply.header('etag', tag);
  if (!reply.hasHeader('cache-control')) void reply.header('cache-control', 'private, no-cache');
  const held = request.headers['if-none-match']?.split(',').map((part) => part.trim().replace(/^W\//, '')) ?? [];
  if (!held.includes(tag) && !held.includes('*')) return false;
  void reply.code(304).removeHeader('content-length');
  return true;
}
