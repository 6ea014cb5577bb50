/**
 * What a group's workflow is to be told of a newly admitted file, judged from the group's row. Pure.
 * A finished group starts again only for data it lacks, and only if the policy says so; a cancelled or failed one never.
 */
import type { GroupRow } from '../catalog/groups.ts';
import { keyOfGroup } from '../catalog/groups.ts';
import type { SetCompleteness } from '../catalog/ms-index.ts';
import { configDigestOf, groupPolicyOf } from '../config/group-policy.ts';
import type { Settings } from '../config/settings.ts';
import type { SubbandArrival } from '../domain/arrival.ts';
import { fillsGap } from '../domain/degradation.ts';
import type { ObservationGroupInput } from '../domain/observation-group.ts';
import { subbandLabel } from '../domain/subband.ts';

export type AnnouncementPlan =
  | { kind: 'tell'; input: ObservationGroupInput; afterClosedRun: boolean }
  /** Nobody is told: the file is kept as late, with the reason. */
  | { kind: 'late'; reason: string };

/** What a run of a group that may start now is given. */
export const groupInputOf = (
  group: GroupRow,
  settings: Settings,
  lane: GroupRow['lane'],
  runReason: string | null,
): ObservationGroupInput => ({
  schemaVersion: 1,
  groupId: group.group_id,
  key: keyOfGroup(group),
  lane,
  policy: groupPolicyOf(settings),
  parameters: settings.steps,
  configDigest: configDigestOf(settings),
  // Only read when this announcement starts a run: then it is the one after any that ever reported.
  runNumber: group.run_number + 1,
  runReason,
  arrivals: [],
});

/** `set`: what the group's current Measurement Set holds; null when there is none. */
export function planAnnouncement(
  group: GroupRow,
  set: SetCompleteness | null,
  arrival: SubbandArrival,
  settings: Settings,
): AnnouncementPlan {
  const input = (lane: GroupRow['lane'], runReason: string | null): ObservationGroupInput => groupInputOf(group, settings, lane, runReason);
  switch (group.state) {
    case 'collecting':
    case 'pending':
    case 'in_progress':
    case 'needs_attention': {
      const reason = group.run_id === null ? null : 'the run before is no longer known to Temporal';
      return { kind: 'tell', input: input(laneOf(group, settings), reason), afterClosedRun: false };
    }
    case 'completed': {
      if (set === null || !fillsGap(set.lacking, arrival, set.integrations))
        return { kind: 'late', reason: 'late: the group is completed and its set lacks nothing that this file brings' };
      if (settings.policy.upgrade === 'off') return { kind: 'late', reason: 'late: the group is completed and upgrades are off' };
      const reason = `upgrade: ${subbandLabel(arrival.subband)} arrived after conversion`;
      return { kind: 'tell', input: input('reprocess', reason), afterClosedRun: true };
    }
    case 'cancelled':
    case 'failed':
      return { kind: 'late', reason: `late: the group is ${group.state}` };
    default:
      return group.state satisfies never;
  }
}

const HOUR_MS = 3_600_000;

/** A group that was old when its first file came is not what the telescope does now: it must not stand in its way. */
function laneOf(group: GroupRow, settings: Settings): GroupRow['lane'] {
  const isNew = group.run_id === null && group.lane === 'live';
  const ageAtFoundingH = (Date.parse(group.received_at) - Date.parse(group.observed_at)) / HOUR_MS;
  return isNew && ageAtFoundingH > settings.collecting.backlogAfterH ? 'backlog' : group.lane;
}
