/**
 * Group operations over Temporal, connected at the first use: the API answers reads also while Temporal is down, and the
 * next request after it is back tries again.
 */
import type { Client } from '@temporalio/client';
import type { Settings } from '../config/settings.ts';
import { connectClient } from '../temporal/connection.ts';
import { TemporalUnreachable } from '../temporal/temporal-errors.ts';
import { cancelGroup, resumeGroup } from '../temporal/group-client.ts';
import type { GroupOperations } from './group-operations.ts';
import { ApiProblem } from './problem.ts';

export interface TemporalOperations extends GroupOperations {
  close(): Promise<void>;
}

export function temporalOperations(settings: Settings): TemporalOperations {
  let connected: Promise<Client> | null = null;

  async function client(): Promise<Client> {
    connected ??= connectClient(settings);
    try {
      return await connected;
    } catch (error) {
      connected = null;
      if (error instanceof TemporalUnreachable) throw new ApiProblem('temporal_unreachable', error.message, { remedy: error.remedy });
      throw error;
    }
  }

  return {
    resume: async (groupId, request) => resumeGroup(await client(), groupId, request),
    cancel: async (groupId, request) => cancelGroup(await client(), groupId, request),
    close: async () => {
      if (connected === null) return;
      const open = await connected.catch(() => null);
      await open?.connection.close();
    },
  };
}
