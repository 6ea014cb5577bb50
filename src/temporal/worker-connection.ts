/** The connection of a worker. Apart from the others: loading the SDK of workers takes longer than most commands run. */
import { NativeConnection } from '@temporalio/worker';
import type { Settings } from '../config/settings.ts';
import { temporalAddressOf } from './connection.ts';
import { TemporalUnreachable } from './temporal-errors.ts';

export async function connectWorker(settings: Pick<Settings, 'temporal'>): Promise<NativeConnection> {
  const address = temporalAddressOf(settings);
  try {
    return await NativeConnection.connect({ address });
  } catch (error) {
    throw new TemporalUnreachable(address, error);
  }
}
