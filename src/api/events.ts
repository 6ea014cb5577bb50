/**
 * GET /events: what changes, as server-sent events, from the catalog's `events` table. One reader polls the table for all
 * streams. A client that names its last event gets everything after it, or one `reset` when that is no longer kept. A tick
 * every 5 s says that silence means silence.
 */
import { z } from 'zod';
import { eventRange, eventsAfter } from '../catalog/events.ts';
import { EVENT_TOPICS, RESET, TICK } from '../domain/event-topic.ts';
import type { ApiDependencies } from './api-dependencies.ts';
import type { ApiServer } from './api-server.ts';
import { ApiProblem } from './problem.ts';
import { type EventStream, openEventStream } from './server-sent-events.ts';

const POLL_EVERY_MS = 500;
const TICK_EVERY_MS = 5_000;
const BATCH = 500;
const STREAMS_A_CALLER = 5;

const querySchema = z.strictObject({ topics: z.string().max(500).optional() });

interface Follower {
  caller: string;
  stream: EventStream;
  /** The last event it has, sent or passed over. */
  lastId: number;
  topics: ReadonlySet<string> | null;
}

export function eventRoutes(app: ApiServer, { database, now, log }: ApiDependencies): void {
  const followers = new Set<Follower>();
  const newestId = () => eventRange(database)?.last ?? 0;

  /** Events are read once a distinct position, which is one for all who are up to date. */
  function deliver(): void {
    const batches = new Map<number, ReturnType<typeof eventsAfter>>();
    for (const follower of followers) {
      const events = batches.get(follower.lastId) ?? eventsAfter(database, follower.lastId, BATCH);
      batches.set(follower.lastId, events);
      for (const event of events) {
        follower.lastId = event.id;
        if (follower.topics !== null && !follower.topics.has(event.topic)) continue;
        follower.stream.send({ id: event.id, event: event.topic, data: { at: event.at, ...event.payload } });
      }
    }
  }

  // Carries the last id, so that a stream that broke before its first event still continues where it was.
  const tick = (follower: Follower) =>
    follower.stream.send({ id: follower.lastId, event: TICK, data: { at: new Date(now()).toISOString() } });

  const whileOpen = (work: () => void) => () => {
    if (followers.size === 0) return;
    try {
      work();
    } catch (error) {
      // Readers reconnect and continue from their last id; ending the streams is how they learn of it.
      log.error({ err: error }, 'the event streams end: the product database cannot be read');
      for (const follower of followers) follower.stream.end();
    }
  };
  const poll = setInterval(whileOpen(deliver), POLL_EVERY_MS);
  const ticks = setInterval(
    whileOpen(() => followers.forEach(tick)),
    TICK_EVERY_MS,
  );
  app.addHook('preClose', async () => {
    clearInterval(poll);
    clearInterval(ticks);
    for (const follower of followers) follower.stream.end();
  });

  app.route({
    method: 'GET',
    url: '/api/v1/events',
    config: { role: 'viewer' },
    schema: { querystring: querySchema, description: 'text/event-stream; see Last-Event-ID' },
    handler: async (request, reply) => {
      const caller = `${request.caller.role} ${request.ip}`;
      if ([...followers].filter((follower) => follower.caller === caller).length >= STREAMS_A_CALLER) {
        throw new ApiProblem('rate_limited', `at most ${STREAMS_A_CALLER} event streams at once`, {
          remedy: 'Close another tab or stream.',
        });
      }
      const topics = topicsOf(request.query.topics);
      const position = positionOf(request.headers['last-event-id']);
      const range = eventRange(database);
      reply.hijack();
      const stream = openEventStream(reply.raw, reply.getHeaders(), () => followers.delete(follower));
      const follower: Follower = { caller, stream, topics, lastId: position ?? newestId() };
      if (position !== null && isForgotten(position, range)) {
        follower.lastId = newestId();
        stream.send({ id: follower.lastId, event: RESET, data: { reason: 'events after your last one are no longer kept' } });
      }
      followers.add(follower);
      tick(follower);
      whileOpen(deliver)();
    },
  });
}

function topicsOf(text: string | undefined): ReadonlySet<string> | null {
  if (text === undefined) return null;
  const topics = text.split(',');
  const unknown = topics.filter((topic) => !EVENT_TOPICS.some((known) => known === topic));
  if (unknown.length > 0) throw new ApiProblem('invalid_request', `no such topic: ${unknown.join(', ')}`);
  return new Set(topics);
}

function positionOf(header: string | string[] | undefined): number | null {
  if (header === undefined) return null;
  const id = Number(header);
  if (!Number.isSafeInteger(id) || id < 0) throw new ApiProblem('invalid_request', 'Last-Event-ID is not an id of ours');
  return id;
}

/** Also an id that was never given: the database was replaced. */
const isForgotten = (position: number, range: { first: number; last: number } | null): boolean =>
  range === null ? position > 0 : position < range.first - 1 || position > range.last;
