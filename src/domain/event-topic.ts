/** Topics of the event stream. What changed is one of these; the API adds signs of life and the word that events were lost. */
export const EVENT_TOPICS = [
  'group.state',
  'group.step',
  'subband.arrived',
  'product.created',
  'product.stale',
  'calibration.changed',
  'ledger.changed',
  'audit',
] as const;
export type EventTopic = (typeof EVENT_TOPICS)[number];

/** Nothing changed, the stream lives. */
export const TICK = 'metric.tick';
/** Events after the reader's last one are no longer kept: fetch everything again. */
export const RESET = 'reset';
