/**
 * The line of steps as data: for each, when it is left out and how it is run. A row calls activities with what earlier
 * steps left and answers what the next ones need; loops, retries and parking are not its business (run-step.ts).
 */
import { condition, executeChild, ParentClosePolicy, proxyActivities } from '@temporalio/workflow';
import type { HostFileActivities, HostScienceActivities, MeasurementSetPlace, ProbeActivities } from '../activities/contract.ts';
import type { CalibrationChoice } from '../src/domain/catalog-command.ts';
import { lackingIn } from '../src/domain/degradation.ts';
import type { StepName } from '../src/domain/step.ts';
import { subbandLabel } from '../src/domain/subband.ts';
import type { AttemptName, Measured, StepOutputs } from '../src/domain/step-output.ts';
import { hostFileOptions, probeOptions, scienceOptions } from './activity-options.ts';
import type { calibration } from './calibration.ts';
import { currentTry, flaggingOf, noteOfTries, parametersOf } from './calibration-tries.ts';
import { collect } from './collecting.ts';
import { DecidedFailure } from './failure-of.ts';
import { degradationOf, type GroupMemory, outputOf, pointingDecDeg } from './group-memory.ts';
import type { Journal } from './journal.ts';
import { withSelfCalibration } from './self-calibration.ts';

interface Row<Step extends StepName> {
  /** In words why the step is left out for this group, or null to run it. */
  leftOut?: (group: GroupMemory) => string | null;
  run: (group: GroupMemory, journal: Journal, attempt: AttemptName) => Promise<Measured<StepOutputs[Step]>>;
}

const unmeasured = <Output>(output: Output, note: string | null = null): Measured<Output> => ({
  output,
  resources: null,
  bytesRead: null,
  bytesWritten: null,
  timingsS: null,
  note,
});

const order = <Step extends StepName>(group: GroupMemory, attempt: AttemptName, step: Step) => ({
  attempt,
  requestedAt: new Date().toISOString(),
  parameters: parametersOf(group, step),
});

const files = (group: GroupMemory) =>
  proxyActivities<HostFileActivities>(hostFileOptions(outputOf(group, 'claimHost').hostQueue, group.lane, group.input.policy));
const science = (group: GroupMemory) =>
  proxyActivities<HostScienceActivities>(scienceOptions(outputOf(group, 'claimHost').scienceQueue, group.lane, group.input.policy));

const placeOf = (group: GroupMemory): MeasurementSetPlace => ({
  publishedMs: outputOf(group, 'organize').publishedMs,
  tmpfsMs: outputOf(group, 'moveToTmpfs').ms,
});

const calibratorOf = (group: GroupMemory): string | null => outputOf(group, 'organize').validation.classification.calibrator;

/** What every product row says about its making. */
const madeBy = (group: GroupMemory, attempt: AttemptName, step: StepName) => ({
  groupId: group.input.groupId,
  runId: group.runId,
  runNumber: group.input.runNumber,
  attempt: attempt.attempt,
  parameters: { ...parametersOf(group, step) },
  degradedReasons: [...group.degraded],
});

export const LINE: { [Step in StepName]: Row<Step> } = {
  collect: {
    run: async (group, journal) => {
      const output = await collect(group, journal);
      return unmeasured(output, output.missing.length === 0 ? null : `goes on without ${output.missing.map(subbandLabel).join(', ')}`);
    },
  },
  claimHost: { run: async (group) => unmeasured(await proxyActivities<ProbeActivities>(probeOptions(group.lane)).claimHost()) },
  stageToScratch: {
    run: (group, _, attempt) =>
      files(group).stageToScratch({ ...order(group, attempt, 'stageToScratch'), members: outputOf(group, 'collect').members }),
  },
  concat: {
    run: async (group, _, attempt) => {
      const measured = await science(group).concat({
        ...order(group, attempt, 'concat'),
        members: outputOf(group, 'stageToScratch').members,
        expectedSubbands: group.input.policy.collecting.expected,
        key: group.input.key,
      });
      return { ...measured, output: { ...measured.output, resources: measured.resources } };
    },
  },
  moveToTmpfs: {
    run: (group, _, attempt) =>
      files(group).moveToTmpfs({ ...order(group, attempt, 'moveToTmpfs'), ms: outputOf(group, 'concat').result.ms }),
  },
  organize: {
    run: async (group, journal, attempt) => {
      if (group.reopensFrom !== null) return reopen(group, attempt);
      const { result: concat, resources } = outputOf(group, 'concat');
      const measured = await science(group).organize({
        ...order(group, attempt, 'organize'),
        concat,
        key: group.input.key,
        degradedReasons: degradationOf(group),
        conversion: { parameters: group.parameters.concat, resources },
      });
      const { productId } = await journal.catalog.recordProduct({
        kind: 'ms',
        ...madeBy(group, attempt, 'organize'),
        path: measured.output.publishedMs,
        contentHash: concat.contentDigest,
        bytes: measured.output.bytes,
        software: concat.software ?? {},
        inputProductIds: [],
        concat,
        classification: measured.output.validation.classification,
      });
      return { ...measured, output: { ...measured.output, productId } };
    },
  },
  flag: {
    run: async (group, _, attempt) => {
      const measured = await science(group).flag({ ...order(group, attempt, 'flag'), place: placeOf(group) });
      const { length: rejected } = group.rejectedTries;
      const now = currentTry(group);
      return rejected === 0 || now === null ? measured : { ...measured, note: `${now.flagging} flags, after ${rejected} rejected set(s)` };
    },
  },
  solve: {
    leftOut: (group) => {
      if (calibratorOf(group) === null) return 'no calibrator transits in this group';
      return group.input.policy.steps.solve ? null : 'solving is switched off (policy.solve)';
    },
    run: async (group, _, attempt) => {
      const now = currentTry(group);
      if (now === null) throw new Error('solve was started for a group without a calibrator to try');
      const { calibrator } = now;
      const flagging = flaggingOf(group, now);
      const { rejectedTries } = group;
      const { raDeg, decDeg, midMjd } = outputOf(group, 'concat').result;
      const { result, productId, cost } = await executeChild<typeof calibration>('calibration', {
        workflowId: `calibration/${calibrator}/${group.input.groupId}`,
        parentClosePolicy: ParentClosePolicy.ABANDON,
        args: [
          {
            ...madeBy(group, attempt, 'solve'),
            lane: group.lane,
            policy: group.input.policy,
            scienceQueue: outputOf(group, 'claimHost').scienceQueue,
            order: { ...order(group, attempt, 'solve'), place: placeOf(group), centre: { raDeg, decDeg, midMjd }, calibrator },
            msProductId: outputOf(group, 'organize').productId,
            flagging,
            rejectedTries,
          },
        ],
      });
      const notes = [noteOfTries(rejectedTries, { calibrator, flagging }), cost.note].filter((note) => note !== null);
      return { ...cost, note: notes.join('; ') || null, output: { result, calibrationSetProductId: productId, rejectedTries } };
    },
  },
  calibrate: {
    run: (group, journal, attempt) =>
      withSelfCalibration(group, journal, attempt, science(group), async () => {
        const choice = await waitForCalibration(group, journal);
        const { raDeg, decDeg } = outputOf(group, 'concat').result;
        const measured = await science(group).calibrate({
          ...order(group, attempt, 'calibrate'),
          place: placeOf(group),
          centre: { raDeg, decDeg },
          choice,
        });
        return { ...measured, output: { ...measured.output, choice } };
      }),
  },
  image: {
    run: async (group, journal, attempt) => {
      const { choice, result: calibrated } = outputOf(group, 'calibrate');
      const { raDeg, decDeg } = outputOf(group, 'concat').result;
      const measured = await science(group).image({
        ...order(group, attempt, 'image'),
        ms: calibrated.ms,
        centre: { raDeg, decDeg },
        calibrationSet: choice.sets.map((set) => String(set.id)).join('+'),
        degradedReasons: degradationOf(group),
        missingSubbands: lackingIn(outputOf(group, 'concat').result).subbands,
      });
      const { result: image } = measured.output;
      const { productId } = await journal.catalog.recordProduct({
        kind: 'image',
        ...madeBy(group, attempt, 'image'),
        path: measured.output.directory,
        contentHash: measured.output.contentHash,
        bytes: measured.output.bytes,
        software: { ...image.software, ...(image.wsclean !== undefined && { wsclean: image.wsclean.version }) },
        inputProductIds: [outputOf(group, 'organize').productId, ...choice.sets.map((set) => set.productId)],
        image,
        calibrationSetIds: choice.sets.map((set) => set.id),
        how: choice.how,
      });
      return { ...measured, output: { ...measured.output, productId } };
    },
  },
  photometry: {
    leftOut: (group) => {
      if (!group.input.policy.steps.photometry) return 'photometry is switched off (policy.photometry)';
      const { verdict } = outputOf(group, 'image').result.qa;
      return verdict === 'fail' ? 'the image failed its quality checks and is not measured' : null;
    },
    run: async (group, journal, attempt) => {
      const image = outputOf(group, 'image');
      const measured = await science(group).photometry({
        ...order(group, attempt, 'photometry'),
        image,
        ms: outputOf(group, 'calibrate').result.ms,
      });
      const recorded = await journal.catalog.recordMeasurements({
        groupId: group.input.groupId,
        runNumber: group.input.runNumber,
        imageProductId: image.productId,
        measurementsPath: measured.output.measurementsPath,
        degradedReasons: degradationOf(group),
      });
      const note = recorded.newSources > 0 ? `${recorded.newSources} new sources` : measured.note;
      return { ...measured, note, output: { ...measured.output, ...recorded } };
    },
  },
  release: { run: (group, _, attempt) => files(group).release({ ...order(group, attempt, 'release'), keepScratch: false }) },
};

/** What an earlier run published stands for all that led to it. */
async function reopen(group: GroupMemory, attempt: AttemptName): Promise<Measured<StepOutputs['organize']>> {
  const { output, ...cost } = await files(group).reopen({ attempt });
  group.outputs.concat = output.concat;
  group.outputs.moveToTmpfs = { ms: null, bytes: 0 };
  return { ...cost, output: output.organize };
}

/** A valid set in this declination strip, at once or when one is registered within the policy's patience. */
async function waitForCalibration(group: GroupMemory, journal: Journal): Promise<CalibrationChoice> {
  const { validityHours, stripToleranceDeg, waitMs, provisionalDays } = group.input.policy.calibration;
  const concat = outputOf(group, 'concat').result;
  const decDeg = pointingDecDeg(group);
  const giveUpAtMs = Date.now() + waitMs;
  const question = { midMjd: concat.midMjd, decDeg, stripToleranceDeg };
  const taken = (choice: CalibrationChoice): CalibrationChoice => {
    group.waitingFor = null;
    group.nextAutomaticAction = null;
    return choice;
  };
  for (;;) {
    group.calibrationNews = false;
    const choice = await journal.catalog.chooseCalibration({ ...question, validityHours, provisional: false });
    if (choice.sets.length > 0) return taken(choice);
    const remainingMs = giveUpAtMs - Date.now();
    if (remainingMs <= 0) {
      if (provisionalDays > 0) {
        const farther = { ...question, validityHours: provisionalDays * 24, provisional: true };
        const provisional = await journal.catalog.chooseCalibration(farther);
        if (provisional.sets.length > 0) return taken(provisional);
      }
      throw new DecidedFailure({
        type: 'NoCalibration',
        code: 'NoCalibration',
        message: `no calibration set is valid within ${validityHours} h and ${stripToleranceDeg}° of declination ${decDeg.toFixed(2)}°${choice.rejected.map((set) => `; set ${set.id}: ${set.reason}`).join('')}`,
        remedy: 'goes on by itself when a calibrator transit is solved; or solve one, then resume from calibrate',
      });
    }
    group.waitingFor = `a calibration set for declination ${decDeg.toFixed(2)}°`;
    group.nextAutomaticAction = `goes on when one is registered; asks for a person at ${new Date(giveUpAtMs).toISOString()}`;
    journal.changed();
    await condition(() => group.calibrationNews, Math.min(remainingMs, group.input.policy.collecting.recheckMs));
  }
}
