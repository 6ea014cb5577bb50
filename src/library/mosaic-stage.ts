/** Stage mosaic: the images that imaging stages made, of one declination strip, added up to one below `mosaics/`. */
import { mosaic } from '../../activities/mosaic.ts';
import { dateFolderOfGroup, groupIdSchema } from '../domain/group-id.ts';
import { type LeftOutMember, type MosaicMember, mosaicNameSchema, STRIP_HALF_WIDTH_DEG } from '../domain/mosaic.ts';
import type { MosaicResult } from '../domain/mosaic-record.ts';
import { type MosaicTier, mosaicParameters, reasonAgainst } from '../domain/mosaic-tier.ts';
import { absent, type ImagingResult } from './later-stages.ts';
import { Stage, type Watch } from './stage.ts';

export interface MosaicStageInput {
  /** Letters, digits, dots, dashes and underscores: its folder below `mosaics/<date of the first image>/`. */
  name: string;
  images: readonly ImagingResult[];
  /** Default that of the settings. */
  tier?: MosaicTier;
}

export interface MosaicStageResult {
  /** The name of the mosaic, which stands where other stages have a group. */
  groupId: string;
  directory: string;
  contentHash: string;
  mosaic: MosaicResult;
  /** Images that the tier does not take, and those that the program refused. */
  leftOut: Pick<LeftOutMember, 'groupId' | 'reason'>[];
}

export class MosaicStage extends Stage<MosaicStageInput, MosaicStageResult> {
  async validate(input: MosaicStageInput): Promise<string[]> {
    const { images } = input;
    const name = mosaicNameSchema.safeParse(input.name);
    const problems = name.success ? [] : name.error.issues.map(({ message }) => message);
    const groups = images.map(({ groupId }) => groupId);
    const twice = groups.filter((group, at) => groups.indexOf(group) !== at);
    problems.push(...twice.map((group) => `${group} is given twice`));
    const [first] = images;
    if (first === undefined) return [...problems, 'no image is given'];
    const stripDeg = first.image.result.centreDecDeg;
    for (const { groupId, image } of images) {
      const { centreDecDeg, files } = image.result;
      problems.push(...(await absent(files.image)));
      if (Math.abs(centreDecDeg - stripDeg) > STRIP_HALF_WIDTH_DEG) {
        problems.push(
          `${groupId} is of declination ${centreDecDeg.toFixed(2)}°, ${first.groupId} of ${stripDeg.toFixed(2)}°: one strip a mosaic`,
        );
      }
    }
    const { taken, leftOut } = this.#chosen(input);
    return taken.length > 0 ? problems : [...problems, ...leftOut.map(({ groupId, reason }) => `${groupId}: ${reason}`)];
  }

  protected async work(input: MosaicStageInput, watch: Watch): Promise<MosaicStageResult> {
    const { name, images } = input;
    const { tier, taken, leftOut } = this.#chosen(input);
    const { cellArcsec, pbCut } = this.host.settings.mosaic;
    const results = images.map(({ image }) => image.result);
    const [first = name] = images.map(({ groupId }) => groupId).toSorted();
    const { output } = await mosaic(this.host)(
      {
        attempt: { groupId: name, runId: this.runId, step: 'mosaic', attempt: 1 },
        requestedAt: new Date().toISOString(),
        date: dateFolderOfGroup(groupIdSchema.parse(first)),
        plan: {
          members: taken.map(memberOf),
          covers: results.map(({ centreRaDeg, centreDecDeg }) => ({ raDeg: centreRaDeg, decDeg: centreDecDeg })),
          halfTileDeg: Math.max(...results.map(({ widthPx, cellArcsec: cell }) => (widthPx * cell) / 2 / 3600)),
          parameters: mosaicParameters(
            { tier, cellArcsec: cellArcsec ?? null, pbCut },
            results.map(({ cellArcsec: cell }) => cell),
          ),
        },
      },
      watch,
    );
    const refused = output.result.leftOut.map(({ name: groupId, reason }) => ({ groupId, reason }));
    const { directory, contentHash } = output;
    return { groupId: name, directory, contentHash, mosaic: output.result, leftOut: [...leftOut, ...refused] };
  }

  #chosen({ images, tier: asked }: MosaicStageInput) {
    const tier = asked ?? this.host.settings.mosaic.tier;
    const judged = images.map((made) => {
      const { verdict, checks } = made.image.result.qa;
      return { made, reason: reasonAgainst({ verdict, checks, degradedReasons: made.degradedReasons }, tier) };
    });
    return {
      tier,
      taken: judged.flatMap(({ made, reason }) => (reason === null ? [made] : [])),
      leftOut: judged.flatMap(({ made: { groupId }, reason }) => (reason === null ? [] : [{ groupId, reason }])),
    };
  }
}

/** No image of a stage is recorded: 0 stands for the id that the database would have given it. */
const memberOf = ({ groupId, image }: ImagingResult): MosaicMember => {
  const { image: plane, beam, residual } = image.result.files;
  return { imageProductId: 0, groupId, contentHash: image.contentHash, files: { image: plane, beam, residual } };
};
