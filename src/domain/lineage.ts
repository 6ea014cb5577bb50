/** Things whose lineage can be asked for. A product is known by its number in the product database, whatever its kind. */
import { z } from 'zod';

export const LINEAGE_KINDS = [
  'point',
  'source',
  'image',
  'mosaic',
  'calibration_set',
  'ms',
  'group',
  'file',
  'measurements',
  'candidate',
] as const;
export const lineageKindSchema = z.enum(LINEAGE_KINDS);
export type LineageKind = z.infer<typeof lineageKindSchema>;

export interface LineageRef {
  kind: LineageKind;
  /** Text for groups, a whole number for all others. */
  id: string;
}

export const keyOfRef = ({ kind, id }: LineageRef): string => `${kind}/${id}`;

/** `up`: what it was made from. `down`: what was made from it. */
export type LineageDirection = 'up' | 'down';
