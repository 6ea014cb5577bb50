/**
 * The line of steps every observation group walks, in order, and the class each belongs to (which retry and timeout policy
 * it gets is decided by class in workflows/activity-options.ts).
 */
import { z } from 'zod';

export const STEP_CLASSES = ['collect', 'probe', 'hostIo', 'science', 'solve'] as const;
export type StepClass = (typeof STEP_CLASSES)[number];

export const STEPS = [
  { name: 'collect', class: 'collect', does: 'waits for 16 subbands or the deadline and checks that they belong together' },
  { name: 'claimHost', class: 'probe', does: 'chooses the host that holds the bytes of this group' },
  { name: 'stageToScratch', class: 'hostIo', does: 'copies or links the subbands into scratch' },
  { name: 'concat', class: 'science', does: 'streams the subbands into one Measurement Set' },
  { name: 'moveToTmpfs', class: 'hostIo', does: 'has the Measurement Set in memory for the steps that read it next' },
  { name: 'organize', class: 'science', does: 'validates the Measurement Set and publishes it' },
  { name: 'flag', class: 'science', does: 'marks bad samples' },
  { name: 'solve', class: 'solve', does: 'solves a calibration set on a calibrator transit' },
  { name: 'calibrate', class: 'science', does: 'applies the calibration set' },
  { name: 'image', class: 'science', does: 'makes the image and corrects for the primary beam' },
  { name: 'photometry', class: 'science', does: 'measures the monitored sources' },
  { name: 'release', class: 'hostIo', does: 'frees scratch and memory' },
] as const satisfies readonly { name: string; class: StepClass; does: string }[];

export const STEP_NAMES: readonly StepName[] = STEPS.map((step) => step.name);
export type StepName = (typeof STEPS)[number]['name'];
export const stepNameSchema = z.enum(STEP_NAMES);

export const stepIndex = (name: StepName): number => STEPS.findIndex((step) => step.name === name);
