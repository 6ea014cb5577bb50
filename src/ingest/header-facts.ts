/**
 * What ingest keeps of a header once it has passed every check: a few numbers and two digests. Nothing of the size of the
 * data crosses from the header worker to the rest of the process.
 */
import type { Rejection } from './rejection.ts';

export interface HeaderFacts {
  /** Middle of the first integration, Julian date UTC. */
  t0Jd: number;
  decRad: number;
  integrationS: number;
  integrations: number;
  /** Equal for two copies of one file. */
  headerDigest: string;
  /** Equal for files that can be one group: baselines, products, channels, site, positions. Times are compared by distance. */
  gridDigest: string;
}

export interface Site {
  latDeg: number;
  lonDeg: number;
  heightM: number;
}

export type HeaderVerdict = { kind: 'facts'; facts: HeaderFacts } | { kind: 'rejected'; rejection: Rejection };
