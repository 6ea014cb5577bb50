import { appendEvent, pruneEvents } from '../../src/catalog/events.ts';
import { type ListeningApi, listen } from './listening-api.ts';

let api: ListeningApi;
beforeEach(async () => {
  api = await listen();
});
afterEach(async () => {
  await api.close();
});

interface Heard {
  id: string;
  event: string;
  data: Record<string, unknown>;
}

/** A client of the stream: reads until as many events (ticks left out) came as asked for. */
async function follow(lastEventId: string | null, path = '/api/v1/events') {
  const abort = new AbortController();
  const response = await fetch(`${api.url}${path}`, {
    signal: abort.signal,
    headers: lastEventId === null ? {} : { 'last-event-id': lastEventId },
  });
  const reader = (response.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream()).getReader();
  const heard: Heard[] = [];
  let rest = '';
  const hear = async (count: number, withTicks = false): Promise<Heard[]> => {
    const wanted = () => heard.filter((one) => withTicks || one.event !== 'metric.tick');
    while (wanted().length < count) {
      const { value, done } = await reader.read();
      if (done) break;
      const blocks = (rest + value).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) {
        const fields = Object.fromEntries(
          block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
        );
        if (fields['event'] === undefined) continue;
        heard.push({ id: fields['id'] ?? '', event: fields['event'], data: JSON.parse(fields['data'] ?? '{}') });
      }
    }
    return wanted();
  };
  return { response, hear, stop: () => abort.abort() };
}

const happen = (state: string) =>
  appendEvent(api.database, { at: '2025-10-02T00:05:18.000Z', topic: 'group.state', groupId: null, payload: { group_id: 'g', state } });

test('what happens is told in order, with rising ids, not buffered by a proxy', async () => {
  const stream = await follow(null);
  expect(stream.response.headers.get('content-type')).toContain('text/event-stream');
  expect(stream.response.headers.get('x-accel-buffering')).toBe('no');
  expect(stream.response.headers.get('content-security-policy')).not.toBeNull();
  await stream.hear(1, true);
  happen('pending');
  happen('in_progress');
  const [first, second] = await stream.hear(2);
  expect([first?.data['state'], second?.data['state']]).toEqual(['pending', 'in_progress']);
  expect(Number(second?.id)).toBe(Number(first?.id) + 1);
  stream.stop();
});

test('a client that comes back with its last id misses nothing and hears nothing twice', async () => {
  const before = await follow(null);
  await before.hear(1, true);
  happen('pending');
  const [pending] = await before.hear(1);
  before.stop();
  happen('in_progress');
  happen('completed');
  const after = await follow(pending?.id ?? null);
  expect((await after.hear(2)).map((one) => one.data['state'])).toEqual(['in_progress', 'completed']);
  after.stop();
});

test('the first tick already carries an id, so that a stream cut before any event continues too', async () => {
  happen('pending');
  const before = await follow(null);
  const [tick] = await before.hear(1, true);
  expect(tick?.event).toBe('metric.tick');
  before.stop();
  happen('in_progress');
  const after = await follow(tick?.id ?? null);
  expect((await after.hear(1)).map((one) => one.data['state'])).toEqual(['in_progress']);
  after.stop();
});

test('a client that was away too long gets one reset', async () => {
  for (const state of ['pending', 'in_progress', 'completed']) happen(state);
  pruneEvents(api.database, { before: '2000-01-01', keep: 1 });
  const stream = await follow('1');
  expect((await stream.hear(1)).map((one) => one.event)).toEqual(['reset']);
  happen('pending');
  expect((await stream.hear(2)).map((one) => one.event)).toEqual(['reset', 'group.state']);
  stream.stop();
});

test('topics narrow the stream, and an unknown one is refused', async () => {
  const stream = await follow(null, '/api/v1/events?topics=ledger.changed');
  await stream.hear(1, true);
  happen('pending');
  appendEvent(api.database, { at: 't', topic: 'ledger.changed', groupId: null, payload: { outcome: 'done' } });
  expect((await stream.hear(1)).map((one) => one.event)).toEqual(['ledger.changed']);
  stream.stop();
  expect((await api.get('/api/v1/events?topics=gossip')).status).toBe(400);
  expect((await api.get('/api/v1/events', { 'last-event-id': 'x' })).status).toBe(400);
});

test('a sixth stream of one caller is refused, and the end of one makes room', async () => {
  const streams = await Promise.all(Array.from({ length: 5 }, () => follow(null)));
  expect((await api.get('/api/v1/events')).status).toBe(429);
  streams[0]?.stop();
  await new Promise((resolve) => setTimeout(resolve, 100));
  const sixth = await follow(null);
  expect(sixth.response.status).toBe(200);
  for (const stream of [...streams, sixth]) stream.stop();
});

test('streams end with the server', async () => {
  const stream = await follow(null);
  await stream.hear(1, true);
  const ended = stream.hear(1);
  await api.close();
  expect(await ended).toEqual([]);
  api = await listen();
});
