/** Times in requests: RFC 3339, the zone-less UTC form of group ids, unix seconds, or `mjd:60000.5`. Answers milliseconds UTC. */
import { mjdToUnixMs, unixMsFromSecondText, unixMsToMjd } from '../domain/utc.ts';
import { ApiProblem } from './problem.ts';

const RFC_3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})$/i;
const NUMBER = /^\d+(\.\d+)?$/;

export function unixMsOfRequest(name: string, text: string): number {
  const secondForm = unixMsFromSecondText(text);
  if (secondForm !== null) return secondForm;
  if (text.startsWith('mjd:') && NUMBER.test(text.slice(4))) return mjdToUnixMs(Number(text.slice(4)));
  if (NUMBER.test(text)) return Number(text) * 1000;
  const rfc = RFC_3339.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(rfc)) throw new ApiProblem('invalid_time', `${name}: ${text.slice(0, 40)} is not a time`);
  return rfc;
}

export const mjdOfRequest = (name: string, text: string | undefined): number | undefined =>
  text === undefined ? undefined : unixMsToMjd(unixMsOfRequest(name, text));
