/** The foreground engine of `contimg convert`. */
import { convertBatch } from '../library/foreground-batch.ts';
import type { Conversion } from '../library/foreground-conversion.ts';
import type { ConvertOrder } from './convert-order.ts';
import { noGroup } from './convert-result.ts';

export async function convertHere(order: ConvertOrder): Promise<Conversion[]> {
  const { conversions, seen, groupIds } = await convertBatch(order);
  if (conversions.length === 0 && !order.signal.aborted) throw noGroup(order.intervalText, order.settings.paths.input, seen, groupIds);
  return conversions;
}
