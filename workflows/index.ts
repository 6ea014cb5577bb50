/** What the worker bundles: every workflow of the pipeline, by the name clients start it with. */
export { backfill } from './backfill.ts';
export { canary } from './canary.ts';
export { calibration } from './calibration.ts';
export { candidateDecision } from './candidate.ts';
export { ledgerAnnotation, ledgerExpectation } from './ledger.ts';
export { mosaic, mosaicSweep } from './mosaic.ts';
export { observationGroup } from './observation-group.ts';
export { variabilityRecheck } from './variability.ts';
