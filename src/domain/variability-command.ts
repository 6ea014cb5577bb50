/** The nightly look at every source: sums made again from the points, candidates held against the preset of now. */
export interface VariabilityActivities {
  /** The sources after one of them, `limit` at most. `last` null: there was none. */
  recheckVariability(page: { after: number; limit: number }): Promise<{ last: number | null; sources: number; corrected: number }>;
  settleCandidates(): Promise<void>;
}

export const VARIABILITY_WORKFLOW = 'variabilityRecheck';
