/**
 * `contimg mosaic --start --end`: adds the images of a range up now, on a worker, and waits for it. `--dry-run` says which images would
 * be members, which groups would be left out and why, and makes nothing.
 */
import { Command, Option } from 'commander';
import { planMosaic, stripsBetween } from '../catalog/mosaic-plan.ts';
import { currentMosaic } from '../catalog/mosaics.ts';
import { mosaicBase } from '../config/mosaic-input.ts';
import type { Settings } from '../config/settings.ts';
import {
  type LeftOutMember,
  type MosaicInput,
  type MosaicPlan,
  mosaicInputSchema,
  mosaicNameSchema,
  stripLabel,
} from '../domain/mosaic.ts';
import { MOSAIC_TIERS, mosaicTierSchema } from '../domain/mosaic-tier.ts';
import { secondTextFromUnixMs, unixMsToMjd } from '../domain/utc.ts';
import { connectClient } from '../temporal/connection.ts';
import { makeMosaic, type MosaicAnswer } from '../temporal/mosaic-client.ts';
import { isServed } from '../temporal/start-group.ts';
import { EXIT } from './exit-codes.ts';
import { withDatabase } from './group-views.ts';
import { instant } from './instant.ts';
import { addLocalOptions, localSettings, wantsJson } from './local-options.ts';
import { mosaicListCommand, mosaicShowCommand } from './mosaic-views.ts';
import { createOutput, type Output, table } from './output.ts';
import { CommandError, usageError } from './problem.ts';

export function mosaicCommand(): Command {
  const command = new Command('mosaic')
    .description('add the images of a range of time up to one, or list and show mosaics')
    .option('--start <time>', 'middles of the observations from here, 2025-10-02T00:05:18 (UTC), unix seconds or mjd:60000.5')
    .option('--end <time>', 'to here, not included')
    .option('--dec <degrees>', 'the declination strip; needed where the range holds several')
    .addOption(new Option('--tier <tier>', 'which images it takes and how they are interpolated').choices(MOSAIC_TIERS).default('science'))
    .option('--name <name>', 'what it is called; default strip and range')
    .option('--dry-run', 'name its members and those left out, and make nothing', false)
    .addHelpText(
      'after',
      '\nExample:\n  contimg mosaic --start 2025-10-02T00:00:00 --end 2025-10-02T06:00:00 --tier deep --dry-run\n\nExit codes: 0 made or there already, 9 database, 11 Temporal not reachable, 13 no image in the range, 14 name taken or being made, 17 could not be made, 64 usage',
    );
  addLocalOptions(command).action(async (options) => {
    const output = createOutput(wantsJson(command));
    const settings = localSettings(command);
    const input = withDatabase(settings.paths.database, (database) => {
      const asked = inputOf(settings, options, (range) => stripsBetween(database, range));
      refuseTakenName(asked, currentMosaic(database, asked.name));
      const plan = planMosaic(database, asked);
      if (plan.members.length === 0) throw noMember(plan);
      if (options['dryRun'] === true) showPlan(output, asked, plan);
      return asked;
    });
    if (options['dryRun'] === true) return;
    const client = await connectClient(settings);
    try {
      if (!(await isServed(client.connection, settings.temporal.namespace)))
        output.warn('no worker polls yet; it begins when one is started');
      report(output, input, await makeMosaic(client, input));
    } finally {
      await client.connection.close();
    }
  });
  // Its verbs have options of the same names.
  command.enablePositionalOptions();
  return command.addCommand(mosaicListCommand()).addCommand(mosaicShowCommand());
}

type Range = Pick<MosaicInput, 'startMjd' | 'endMjd'>;

function inputOf(settings: Settings, options: Record<string, unknown>, stripsIn: (range: Range) => string[]): MosaicInput {
  const { start, end } = options;
  if (typeof start !== 'string' || typeof end !== 'string')
    throw usageError('a mosaic needs --start and --end', 'see `contimg mosaic --help`');
  const [startMs, endMs] = [instant(start), instant(end)];
  if (endMs <= startMs) throw usageError('--end is not after --start', 'give the earlier one first');
  const range = { startMjd: unixMsToMjd(startMs), endMjd: unixMsToMjd(endMs) };
  const strip = options['dec'] === undefined ? onlyStrip(stripsIn(range)) : stripLabel(declination(options['dec']));
  const usualName = `${strip.replace('+', 'p').replace('-', 'm')}.${compact(startMs)}-${compact(endMs)}`;
  const name = mosaicNameSchema.safeParse(options['name'] ?? usualName);
  if (!name.success) throw usageError(`--name does not take "${String(options['name'])}"`, name.error.issues[0]?.message ?? 'see --help');
  return mosaicInputSchema.parse({
    ...mosaicBase(settings),
    ...range,
    name: name.data,
    kind: 'named',
    tier: mosaicTierSchema.parse(options['tier']),
    decDeg: Number(strip),
    neighbours: 0,
    deadlineMs: 0,
    lane: 'ondemand',
  } satisfies MosaicInput);
}

const compact = (unixMs: number): string => secondTextFromUnixMs(unixMs).replaceAll(/[-:]/g, '');

function declination(text: unknown): number {
  const degrees = Number(text);
  if (text === '' || !(Math.abs(degrees) <= 90)) throw usageError(`--dec takes degrees, not "${String(text)}"`, 'for example --dec 54.6');
  return degrees;
}

function onlyStrip(strips: readonly string[]): string {
  const [strip, ...others] = strips;
  if (strip === undefined) throw notFound('no group of the range has an image', '`contimg group ls` lists the groups there are');
  if (others.length > 0) throw usageError(`the range holds strips ${strips.join(', ')}`, `name one, for example --dec ${strip}`);
  return strip;
}

function refuseTakenName(input: MosaicInput, there: ReturnType<typeof currentMosaic>): void {
  if (there === null) return;
  const { kind, tier, decDeg, startMjd, endMjd } = input;
  if (there.kind === kind && there.tier === tier && there.dec_deg === decDeg && there.start_mjd === startMjd && there.end_mjd === endMjd)
    return;
  throw new CommandError(EXIT.conflict, {
    code: 'name_taken',
    detail: `mosaic ${input.name} is of another range, strip or tier`,
    remedy: `give another --name; see \`contimg mosaic show ${input.name}\``,
  });
}

const notFound = (detail: string, remedy: string): CommandError => new CommandError(EXIT.notFound, { code: 'no_members', detail, remedy });

const noMember = ({ leftOut }: MosaicPlan): CommandError =>
  leftOut.length === 0
    ? notFound('no group of this strip was observed in the range', '`contimg group ls` lists the groups there are')
    : notFound(
        `none of ${leftOut.length} groups can be a member: ${leftOut.map(({ groupId, reason }) => `${groupId} ${reason}`).join('; ')}`,
        'another --tier may take more; make their images again',
      );

function showPlan(output: Output, { name, tier }: MosaicInput, plan: MosaicPlan): void {
  output.result({ name, tier, ...plan }, [
    `${name}: ${plan.members.length} members, tier ${tier}, cells of ${plan.parameters.cellArcsec}″; nothing was made`,
    ...table(
      ['GROUP', 'IMAGE', ''],
      [
        ...plan.members.map(({ groupId, imageProductId }) => [groupId, String(imageProductId), 'member']),
        ...plan.leftOut.map(({ groupId, imageProductId, reason }) => [groupId, String(imageProductId ?? '-'), `left out: ${reason}`]),
      ],
    ),
  ]);
}

function report(output: Output, { name }: MosaicInput, answer: MosaicAnswer): void {
  if ('isRunning' in answer) {
    throw new CommandError(EXIT.conflict, {
      code: 'mosaic_runs',
      detail: `mosaic ${name} is being made`,
      remedy: `wait, then \`contimg mosaic show ${name}\``,
    });
  }
  if ('failure' in answer) {
    const { code, message, remedy } = answer.failure;
    throw new CommandError(EXIT.imaging, { code: 'mosaic_failed', detail: `mosaic ${name}: ${code}: ${message}`, remedy });
  }
  const leftOut = answer.leftOut.map(({ groupId, reason }: LeftOutMember) => `left out ${groupId}: ${reason}`);
  const line = answer.made ? `${name}: ${answer.tiles} tiles, quality ${answer.verdict}, ${answer.path}` : `${name}: ${answer.reason}`;
  output.result({ name, ...answer }, [line, ...leftOut]);
}
