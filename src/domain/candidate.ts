/**
 * Candidates for extreme scattering events and other strong variability: what makes a source one, and what a person may say of
 * it. The score is src/catalog/ese-score.ts's, in standard deviations. Both commands may be sent again and then change nothing.
 */
import { z } from 'zod';
import { reasonSchema } from './operator-request.ts';

export const CANDIDATE_STATUSES = ['new', 'confirmed', 'rejected'] as const;
export type CandidateStatus = (typeof CANDIDATE_STATUSES)[number];

export const ESE_SHAPES = ['rise', 'dip', 'scatter'] as const;

export interface EseThresholds {
  minScore: number;
  minPoints: number;
  /** Of the two-epoch modulation |m|; 0.26 is a change by 30 % (Mooley et al. 2016). */
  minModulation: number;
}

/**
 * A steady source with honest errors passes a score of 5 with a chance of 2e-6 (three parts of 6e-7), one of 3.5 with 1.4e-3:
 * among 200 steady sources 4e-4 and 0.3 false candidates. The modulation keeps an image whose flux scale is off from making
 * candidates of all its sources.
 */
export const ESE_PRESETS = {
  conservative: { minScore: 8, minPoints: 10, minModulation: 0.4 },
  moderate: { minScore: 5, minPoints: 3, minModulation: 0.26 },
  sensitive: { minScore: 3.5, minPoints: 3, minModulation: 0.15 },
} as const satisfies Record<string, EseThresholds>;
export const esePresetSchema = z.enum(['conservative', 'moderate', 'sensitive']);
export type EsePreset = z.infer<typeof esePresetSchema>;
export const DEFAULT_ESE_PRESET: EsePreset = 'moderate';

export const candidateDecisionSchema = z.strictObject({
  candidateId: z.int().positive(),
  status: z.enum(CANDIDATE_STATUSES),
  by: z.string().trim().min(1).max(100),
  via: z.enum(['cli', 'api']),
  reason: reasonSchema,
  /** Of this request alone: told twice, it is one audit entry. */
  requestId: z.string().min(1),
});
export type CandidateDecision = z.infer<typeof candidateDecisionSchema>;

export interface CandidateActivities {
  /** What a person says of a candidate; false when there is no such candidate. */
  decideCandidate(decision: CandidateDecision): Promise<boolean>;
}

export const CANDIDATE_WORKFLOW = 'candidateDecision';
