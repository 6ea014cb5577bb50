/**
 * Connections to Temporal, with an error that says what to do when there is none.
 */
import { Client, Connection } from '@temporalio/client';
import type { Settings } from '../config/settings.ts';
import { TemporalUnreachable } from './temporal-errors.ts';

const CONNECT_PATIENCE_MS = 5_000;

type TemporalSettings = Pick<Settings, 'temporal'>;

export const temporalAddressOf = (settings: TemporalSettings): string => settings.temporal.address ?? `127.0.0.1:${settings.temporal.port}`;

/** Answers a client; close it with `client.connection.close()`. */
export async function connectClient(settings: TemporalSettings, patienceMs?: number): Promise<Client> {
  return new Client({ connection: await connectOperator(settings, patienceMs), namespace: settings.temporal.namespace });
}

/** The bare connection, for what needs the operator's service. */
export async function connectOperator(settings: TemporalSettings, patienceMs = CONNECT_PATIENCE_MS): Promise<Connection> {
  const address = temporalAddressOf(settings);
  try {
    return await Connection.connect({ address, connectTimeout: patienceMs });
  } catch (error) {
    throw new TemporalUnreachable(address, error);
  }
}
