/**
 * One open event stream (text/event-stream, WHATWG HTML 9.2) over a raw response. Keeps the connection alive with a comment
 * every 15 s, and cuts a reader that has fallen 1 MiB behind: it reconnects and continues from its last id.
 */
import type { ServerResponse } from 'node:http';

const COMMENT_EVERY_MS = 15_000;
const RECONNECT_AFTER_MS = 2_000;
const MOST_UNREAD_BYTES = 1024 ** 2;

interface ServerSentEvent {
  id: number;
  event: string;
  data: unknown;
}

export interface EventStream {
  send(event: ServerSentEvent): void;
  end(): void;
}

export function openEventStream(
  response: ServerResponse,
  headers: Record<string, string | string[] | number | undefined>,
  onClose: () => void,
): EventStream {
  response.writeHead(200, {
    ...headers,
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no',
  });
  response.write(`retry: ${RECONNECT_AFTER_MS}\n\n`);
  const comment = setInterval(() => write(': still here\n\n'), COMMENT_EVERY_MS);
  response.on('close', () => {
    clearInterval(comment);
    onClose();
  });

  function write(text: string): void {
    if (response.destroyed) return;
    response.write(text);
    if (response.writableLength > MOST_UNREAD_BYTES) response.destroy();
  }

  return {
    // JSON holds no raw line break, so one `data:` line is enough.
    send: ({ id, event, data }) => write(`id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`),
    end: () => response.end(),
  };
}
