/** `contimg mosaic ls` and `contimg mosaic show`: read from the product database, so they work while the pipeline is down. */
import { Command } from 'commander';
import { currentMosaic, listMosaics, membersOfMosaic, mosaicFiles, type MosaicListing, type MosaicMemberRow } from '../catalog/mosaics.ts';
import { stripLabel } from '../domain/mosaic.ts';
import { mjdToUnixMs, secondTextFromUnixMs } from '../domain/utc.ts';
import { EXIT } from './exit-codes.ts';
import { withDatabase } from './group-views.ts';
import { positiveInteger } from './instant.ts';
import { addLocalOptions, localSettings, wantsJson } from './local-options.ts';
import { createOutput, table } from './output.ts';
import { CommandError } from './problem.ts';

export function mosaicListCommand(): Command {
  const command = new Command('ls')
    .description('mosaics, latest observed first')
    .option('--limit <n>', 'at most so many', '50')
    .addHelpText('after', '\nExample:\n  contimg mosaic ls\n\nExit codes: 0 done, 9 database, 64 usage');
  return addLocalOptions(command).action((options) => {
    const output = createOutput(wantsJson(command));
    const limit = positiveInteger('--limit', options['limit']);
    const mosaics = withDatabase(localSettings(command).paths.database, (database) => listMosaics(database, limit));
    output.result({ mosaics }, mosaics.length === 0 ? ['no mosaics'] : table(HEADER, mosaics.map(listed)));
  });
}

const HEADER = ['NAME', 'STRIP', 'FROM', 'TO', 'TIER', 'TILES', 'NOISE', 'QUALITY', 'STATUS'];

const listed = (mosaic: MosaicListing): string[] => [
  mosaic.name,
  stripLabel(mosaic.dec_deg),
  instantOf(mosaic.start_mjd),
  instantOf(mosaic.end_mjd),
  mosaic.tier,
  String(mosaic.tiles),
  millijansky(mosaic.noise_jy),
  mosaic.qa_verdict,
  mosaic.status,
];

const instantOf = (mjd: number): string => secondTextFromUnixMs(mjdToUnixMs(mjd)).slice(0, 16);
const millijansky = (jy: number): string => `${(jy * 1000).toPrecision(3)} mJy`;

export function mosaicShowCommand(): Command {
  const command = new Command('show')
    .description('one mosaic: how deep it is, its checks, files, tiles and who was left out')
    .argument('<name>', 'as `contimg mosaic ls` has it')
    .addHelpText('after', '\nExample:\n  contimg mosaic show p54.6.2025-10-02T11\n\nExit codes: 0 done, 9 database, 13 not found');
  return addLocalOptions(command).action((name: string) => {
    const output = createOutput(wantsJson(command));
    withDatabase(localSettings(command).paths.database, (database) => {
      const mosaic = currentMosaic(database, name);
      if (mosaic === null) throw unknown(name);
      const members = membersOfMosaic(database, mosaic.product_id);
      const files = mosaicFiles(database, mosaic.product_id);
      output.result({ mosaic, members, files }, [
        `${name}, tier ${mosaic.tier}, ${mosaic.status}: ${mosaic.tiles} tiles, ${mosaic.area_deg2.toFixed(2)} square degrees`,
        `effective noise ${millijansky(mosaic.noise_jy)} in the median, ${millijansky(mosaic.best_noise_jy)} at best`,
        `quality ${mosaic.qa_verdict}: ${mosaic.qa_checks.map(({ name: check, value, limit }) => `${check} ${value.toPrecision(3)} (limit ${limit})`).join(', ')}`,
        ...mosaic.unchecked.map((check) => `not checked: ${check}`),
        ...Object.entries(files).map(([kind, path]) => `${kind}: ${path}`),
        ...table(['GROUP', 'IMAGE', 'NOISE', 'WEIGHT', ''], members.map(memberRow)),
        `what it was made from: contimg lineage mosaic/${mosaic.product_id}`,
      ]);
    });
  });
}

const memberRow = (member: MosaicMemberRow): string[] => [
  member.group_id,
  String(member.image_product_id ?? '-'),
  member.noise_jy === null ? '-' : millijansky(member.noise_jy),
  member.weight_share === null ? '-' : `${(member.weight_share * 100).toFixed(1)} %`,
  member.reason === null ? '' : `left out: ${member.reason}`,
];

const unknown = (name: string): CommandError =>
  new CommandError(EXIT.notFound, {
    code: 'unknown_mosaic',
    detail: `there is no mosaic ${name}`,
    remedy: '`contimg mosaic ls` lists them; `contimg mosaic --start T --end T` makes one',
  });
