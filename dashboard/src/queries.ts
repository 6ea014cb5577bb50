/** What the pages ask the API for. While the event stream is silent, everything is asked again every 15 s. */
import { useQuery } from '@tanstack/react-query';
import { createContext, useContext } from 'react';
import type { GroupDetail, GroupList } from '../../src/api/contract/group.ts';
import type { Identity } from '../../src/api/contract/identity.ts';
import type { Status } from '../../src/api/contract/status.ts';
import type { StepList } from '../../src/api/contract/step.ts';
import { getJson, rememberCsrfToken } from './api-client.ts';
import { POLL_WHEN_SILENT_MS } from './live-events.ts';

export const SilentStream = createContext(false);

function useLive<Answer>(path: string) {
  const silent = useContext(SilentStream);
  return useQuery({
    queryKey: [path],
    queryFn: () => getJson<Answer>(path),
    refetchInterval: silent ? POLL_WHEN_SILENT_MS : false,
  });
}

/** Sixty seconds keep figures that only time changes (lag, ages, disk) honest when nothing happens. */
export const useStatus = () => {
  const silent = useContext(SilentStream);
  return useQuery({
    queryKey: ['/status'],
    queryFn: () => getJson<Status>('/status'),
    refetchInterval: silent ? POLL_WHEN_SILENT_MS : 60_000,
  });
};

export const useNeedsAttention = () => useLive<GroupList>('/groups?state=needs_attention&limit=50');
export const useNewestGroups = () => useLive<GroupList>('/groups?limit=8');
export const useGroup = (groupId: string) => useLive<GroupDetail>(`/groups/${encodeURIComponent(groupId)}`);

export const useSteps = () =>
  useQuery({ queryKey: ['/steps'], queryFn: () => getJson<StepList>('/steps'), staleTime: Number.POSITIVE_INFINITY });

export const useIdentity = () =>
  useQuery({
    queryKey: ['/auth/me'],
    queryFn: async () => {
      const identity = await getJson<Identity>('/auth/me');
      rememberCsrfToken(identity.csrf_token);
      return identity;
    },
    staleTime: 300_000,
  });
