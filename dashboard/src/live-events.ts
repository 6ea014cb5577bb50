/**
 * The one event stream of this page. An event says only what changed; what is shown is fetched again. After 10 s without
 * a word the stream counts as silent, the page says so and polls instead.
 */
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { EVENT_TOPICS, RESET, TICK } from '../../src/domain/event-topic.ts';

export const SILENT_AFTER_MS = 10_000;
/** Under a burst of events, and with several tabs open, requests stay within the API's limits. */
const REFETCH_AT_MOST_EVERY_MS = 2_000;
export const POLL_WHEN_SILENT_MS = 15_000;

export function useLiveEvents(): { silent: boolean } {
  const client = useQueryClient();
  const [silent, setSilent] = useState(false);

  useEffect(() => {
    const stream = new EventSource('/api/v1/events');
    let lastHeard = Date.now();
    let lastRefetch = 0;
    let planned: ReturnType<typeof setTimeout> | undefined;

    const heard = () => {
      lastHeard = Date.now();
      setSilent(false);
    };
    const refetch = () => {
      planned = undefined;
      lastRefetch = Date.now();
      void client.invalidateQueries();
    };
    const changed = () => {
      heard();
      planned ??= setTimeout(refetch, Math.max(0, lastRefetch + REFETCH_AT_MOST_EVERY_MS - Date.now()));
    };

    stream.addEventListener(TICK, heard);
    for (const topic of [...EVENT_TOPICS, RESET]) stream.addEventListener(topic, changed);
    const watch = setInterval(() => setSilent(Date.now() - lastHeard > SILENT_AFTER_MS), 1_000);
    return () => {
      stream.close();
      clearInterval(watch);
      clearTimeout(planned);
    };
  }, [client]);

  return { silent };
}
