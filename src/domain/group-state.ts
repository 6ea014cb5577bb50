/**
 * States of an observation group and the legal moves between them, as data: the workflow, the database trigger and the
 * API read the same table.
 */
import { z } from 'zod';

export const GROUP_STATES = ['collecting', 'pending', 'in_progress', 'needs_attention', 'completed', 'failed', 'cancelled'] as const;
export const groupStateSchema = z.enum(GROUP_STATES);
export type GroupState = z.infer<typeof groupStateSchema>;

const PROCESSING_STAGES = ['collecting', 'processing_fresh', 'resuming'] as const;
export const processingStageSchema = z.enum(PROCESSING_STAGES);
export type ProcessingStage = z.infer<typeof processingStageSchema>;

const OPEN_STATES = ['collecting', 'pending', 'in_progress', 'needs_attention'] as const satisfies readonly GroupState[];
export const isOpen = (state: GroupState): boolean => (OPEN_STATES as readonly GroupState[]).includes(state);

/** A closed group opens again only as a new run (late subband, reprocess), which starts at `collecting` or `pending`. */
export const GROUP_TRANSITIONS: Readonly<Record<GroupState, readonly GroupState[]>> = {
  collecting: ['pending', 'needs_attention', 'failed', 'cancelled'],
  pending: ['in_progress', 'collecting', 'needs_attention', 'cancelled', 'failed'],
  in_progress: ['pending', 'needs_attention', 'completed', 'failed', 'cancelled'],
  needs_attention: ['pending', 'in_progress', 'collecting', 'cancelled', 'failed'],
  completed: ['collecting', 'pending', 'in_progress'],
  failed: ['collecting', 'pending', 'in_progress'],
  cancelled: ['collecting', 'pending', 'in_progress'],
};

/** The word the seed documents' `state` column and metric use. */
export function seedState(state: GroupState): 'collecting' | 'pending' | 'in_progress' | 'completed' | 'failed' {
  switch (state) {
    case 'collecting':
    case 'pending':
    case 'in_progress':
    case 'completed':
      return state;
    case 'needs_attention':
    case 'failed':
    case 'cancelled':
      return 'failed';
    default:
      return state satisfies never;
  }
}

const DEGRADED_REASONS = [
  'subbands_missing',
  'integrations_missing',
  'calibration_provisional',
  'calibration_borrowed',
  'qa_warning',
  'no_calibration',
] as const;
export const degradedReasonSchema = z.enum(DEGRADED_REASONS);
export type DegradedReason = z.infer<typeof degradedReasonSchema>;

const LANES = ['live', 'ondemand', 'backlog', 'reprocess'] as const;
export const laneSchema = z.enum(LANES);
export type Lane = z.infer<typeof laneSchema>;
/** Temporal priority keys: 1 is served first. */
export const LANE_PRIORITY: Readonly<Record<Lane, 1 | 2 | 4 | 5>> = { live: 1, ondemand: 2, backlog: 4, reprocess: 5 };
