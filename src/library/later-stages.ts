/** The stages after conversion: calibration, imaging, photometry. Each takes what the one before answered. */
import { image } from '../../activities/image.ts';
import { photometry } from '../../activities/photometry.ts';
import { exists } from '../../activities/publish.ts';
import { calibrate, flag } from '../../activities/science-steps.ts';
import { asking } from '../catalog/database.ts';
import { chooseCalibration } from '../catalog/calibration-choice.ts';
import type { CalibrationChoice } from '../domain/catalog-command.ts';
import { degradationBy, type Lacking, reasonsOf } from '../domain/degradation.ts';
import type { DegradedReason } from '../domain/group-state.ts';
import type { CalibrateResult, PhotometryResult } from '../domain/science-result.ts';
import type { StepOutputs } from '../domain/step-output.ts';
import type { ConversionResult } from './conversion-stage.ts';
import { Stage, type Watch } from './stage.ts';

export interface CalibrationResult {
  groupId: string;
  /** The calibrated, averaged set; in scratch, gone after `cleanup`. */
  ms: string;
  choice: CalibrationChoice;
  calibration: CalibrateResult;
  lacking: Lacking;
  /** Phase centre, ICRS. */
  centre: { raDeg: number; decDeg: number };
}

/** Flags a Measurement Set and applies the calibration sets of the product database that are valid for it. */
export class CalibrationStage extends Stage<ConversionResult, CalibrationResult> {
  async validate(input: ConversionResult): Promise<string[]> {
    const problems = await absent(input.ms);
    const choice = this.#choose(input);
    if (this.host.settings.steps.calibrate.selfCalRounds > 0)
      problems.push('self-calibration is done by the pipeline only: set steps.calibrate.self_cal_rounds to 0 here');
    const why = choice.rejected.map((set) => `; set ${set.id}: ${set.reason}`).join('');
    return choice.sets.length > 0 ? problems : [...problems, `no calibration set is valid for ${input.groupId}${why}`];
  }

  protected async work(input: ConversionResult, watch: Watch): Promise<CalibrationResult> {
    const { groupId, ms, lacking } = input;
    const { raDeg, decDeg } = input.conversion;
    const place = { publishedMs: ms, tmpfsMs: null };
    await flag(this.host)({ ...this.order(groupId, 'flag'), place }, watch);
    const choice = this.#choose(input);
    const { output } = await calibrate(this.host)({ ...this.order(groupId, 'calibrate'), place, centre: { raDeg, decDeg }, choice }, watch);
    return { groupId, ms: output.result.ms, choice, calibration: output.result, lacking, centre: { raDeg, decDeg } };
  }

  #choose({ conversion, key }: ConversionResult): CalibrationChoice {
    const { validityHours, stripToleranceDeg } = this.host.settings.calibration;
    const decDeg = (key.decRad * 180) / Math.PI;
    const wanted = { midMjd: conversion.midMjd, decDeg, validityHours, stripToleranceDeg, provisional: false };
    return asking(this.host.openCatalog, (database) => chooseCalibration(database, wanted));
  }
}

export interface ImagingResult {
  groupId: string;
  image: Omit<StepOutputs['image'], 'productId'>;
  /** What was imaged: photometry needs it, too. */
  ms: string;
  degradedReasons: DegradedReason[];
}

/** Images a calibrated set and publishes FITS files and pictures below `images/`. */
export class ImagingStage extends Stage<CalibrationResult, ImagingResult> {
  validate(input: CalibrationResult): Promise<string[]> {
    return absent(input.ms);
  }

  protected async work({ groupId, ms, choice, lacking, centre }: CalibrationResult, watch: Watch): Promise<ImagingResult> {
    const { output } = await image(this.host)(
      {
        ...this.order(groupId, 'image'),
        ms,
        centre,
        calibrationSet: choice.sets.map((set) => String(set.id)).join('+'),
        degradedReasons: degradationBy(lacking),
        missingSubbands: lacking.subbands,
      },
      watch,
    );
    return { groupId, image: output, ms, degradedReasons: reasonsOf(lacking) };
  }
}

export interface PhotometryOutcome {
  groupId: string;
  /** One JSON line a measurement; in scratch, gone after `cleanup`. */
  measurementsPath: string;
  result: PhotometryResult;
}

/** Measures the monitored sources of the product database inside an image. */
export class PhotometryStage extends Stage<ImagingResult, PhotometryOutcome> {
  async validate({ image: made, ms }: ImagingResult): Promise<string[]> {
    return [...(await absent(made.result.files.image)), ...(await absent(ms))];
  }

  protected async work({ groupId, image: made, ms }: ImagingResult, watch: Watch): Promise<PhotometryOutcome> {
    const { output } = await photometry(this.host)({ ...this.order(groupId, 'photometry'), image: { ...made, productId: 0 }, ms }, watch);
    return { groupId, ...output };
  }
}

export const absent = async (path: string): Promise<string[]> => ((await exists(path)) ? [] : [`${path} is not there`]);
