/** A mosaic as its workflow records it: all members of the plan but those that the program refuses. */
import type { MosaicInput, MosaicPlan } from '../../src/domain/mosaic.ts';
import { MOSAIC_FILE_KINDS, type MosaicRecord } from '../../src/domain/mosaic-record.ts';

export function mosaicRecord(
  input: MosaicInput,
  plan: MosaicPlan,
  changes: Partial<MosaicRecord> = {},
  refused: Readonly<Record<number, string>> = {},
): MosaicRecord {
  const path = changes.path ?? `/data/products/mosaics/${input.name}`;
  const { name, kind, tier, decDeg, startMjd, endMjd } = input;
  const tiles = plan.members.filter(({ imageProductId }) => refused[imageProductId] === undefined);
  return {
    name,
    kind,
    tier,
    decDeg,
    startMjd,
    endMjd,
    runId: 'run-a',
    attempt: 1,
    path,
    contentHash: 'hash of the mosaic',
    bytes: 10,
    parameters: { ...plan.parameters },
    members: plan.members.map(({ groupId, imageProductId }) => ({ groupId, imageProductId })),
    leftOut: plan.leftOut,
    result: {
      files: Object.fromEntries(MOSAIC_FILE_KINDS.map((file) => [file, `${path}/${name}-${file}.fits`])) as MosaicRecord['result']['files'],
      tiles: tiles.map(({ imageProductId, groupId }) => ({ id: String(imageProductId), name: groupId, noiseJy: 0.001, weightSum: 1e6 })),
      leftOut: Object.entries(refused).map(([id, reason]) => ({ id, name: id, reason })),
      added: tiles.length,
      restartedBecause: null,
      centreRaDeg: 10,
      centreDecDeg: 54.5,
      widthPx: 3000,
      heightPx: 2000,
      cellArcsec: 4,
      areaDeg2: 7,
      noiseJy: 0.001,
      bestNoiseJy: 0.0007,
      beamMajorArcsec: 20,
      beamMinorArcsec: 15,
      beamPaDeg: 3,
      freqHz: 1.4e9,
      startMjd,
      endMjd,
      qa: { verdict: 'pass', checks: [{ name: 'noise_over_expected', value: 1, limit: 1.3, passed: true }] },
      unchecked: [],
      timingsS: {},
    },
    ...changes,
  };
}
