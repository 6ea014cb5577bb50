/**
 * What package `contimg` offers to programs, under the names of the earlier library. Thin faces over the code that the
 * pipeline runs; docs/reference/library.md shows them at work. Whatever is not exported here may change.
 */
export type { GroupRow } from './catalog/groups.ts';
export type { GroupState } from './domain/group-state.ts';
export { StepError, type StepFailure } from './domain/failure.ts';
export type { GroupValidation, MemberVerdict } from './ingest/group-validation.ts';
export { type ConversionInput, type ConversionResult, ConversionStage } from './library/conversion-stage.ts';
export { type BatchConversion, convertSubbandGroupsToMs, createPathMapper } from './library/convert-subband-groups.ts';
export type { Conversion } from './library/foreground-conversion.ts';
export {
  type CalibrationResult,
  CalibrationStage,
  type ImagingResult,
  ImagingStage,
  type PhotometryOutcome,
  PhotometryStage,
} from './library/later-stages.ts';
export { MosaicStage, type MosaicStageInput, type MosaicStageResult } from './library/mosaic-stage.ts';
export { StageRefused, type StageOptions } from './library/stage.ts';
export { StreamingWatcher, StreamingWorker } from './library/streaming.ts';
export { type QueueStats, SubbandQueue } from './library/subband-queue.ts';
export type { WorkerConfig } from './library/worker-config.ts';
