/**
 * One canary: a copy of a finished group with synthetic sources in it walks flag, calibrate, image and photometry, and the
 * verdict is recorded. Every step waits in the last lane, one at a time, so that a group of the sky is delayed by one step at
 * most. Whatever happens, its scratch is given back and a row says how it ended.
 */
import { CancellationScope, isCancellation, proxyActivities, setCurrentDetails, sleep, workflowInfo } from '@temporalio/workflow';
import type { HostFileActivities, HostScienceActivities } from '../activities/contract.ts';
import { type CanaryRequest, canaryRequestSchema } from '../src/domain/canary.ts';
import type {
  CanaryCatalogActivities,
  CanaryOutcome,
  CanaryRecord,
  CanaryScienceActivities,
  CanarySubject,
} from '../src/domain/canary-command.ts';
import type { StepFailure } from '../src/domain/failure.ts';
import { hostQueue, hostScienceQueue } from '../src/domain/observation-group.ts';
import type { AttemptName } from '../src/domain/step-output.ts';
import { catalogOptions, hostFileOptions, scienceOptions } from './activity-options.ts';
import { failureOf } from './failure-of.ts';

const LANE = 'reprocess';
/** A step whose worker was killed is done again; a failure of the step itself is the answer. */
const TRIES = 3;
const SPACE_RECHECK = '1 minute';
const SPACE_LOOKS = 30;

export async function canary(rawRequest: CanaryRequest): Promise<CanaryOutcome> {
  const request = canaryRequestSchema.parse(rawRequest);
  const catalog = proxyActivities<CanaryCatalogActivities>(catalogOptions(LANE));
  const chosen = await catalog.chooseCanary(request);
  if (chosen.subject === null) return { record: null, reason: chosen.reason };
  const { subject } = chosen;
  const { runId } = workflowInfo();
  setCurrentDetails(`Synthetic sources in a copy of ${subject.groupId}.`);
  const startedAt = new Date().toISOString();
  let found: Pick<CanaryRecord, 'verdict' | 'reasons' | 'directory' | 'measurements'>;
  try {
    found = await walk(subject, runId);
  } catch (caught) {
    if (isCancellation(caught)) {
      await giveBack(subject, runId);
      throw caught;
    }
    const { code, message, remedy } = failureOf(caught);
    found = { verdict: 'error', reasons: [`${code}: ${message}; ${remedy}`], directory: null, measurements: [] };
  }
  const left = await giveBack(subject, runId);
  const record: CanaryRecord = {
    runId,
    groupId: subject.groupId,
    imageProductId: subject.image.productId,
    host: subject.host,
    by: request.by,
    startedAt,
    endedAt: new Date().toISOString(),
    ...found,
    reasons: [...found.reasons, ...left],
  };
  await catalog.recordCanary(record);
  return { record };
}

async function walk(subject: CanarySubject, runId: string) {
  const options = { ...scienceOptions(hostScienceQueue(subject.host), LANE, subject.policy), retry: { maximumAttempts: TRIES } };
  const science = proxyActivities<HostScienceActivities & CanaryScienceActivities>(options);
  const named = <Step extends string>(step: Step) => ({
    attempt: { groupId: subject.groupId, runId, runNumber: 0, step, attempt: 1 },
    requestedAt: new Date().toISOString(),
  });
  const { output: injected } = await whenThereIsRoom(() => science.injectCanary({ ...named('inject'), subject }));
  const place = { publishedMs: injected.result.ms, tmpfsMs: null };
  const { flag, calibrate } = subject.parameters;
  await whenThereIsRoom(() => science.flag({ ...named('flag'), parameters: flag, place }));
  const { output: calibrated } = await whenThereIsRoom(() =>
    science.calibrate({ ...named('calibrate'), parameters: calibrate, place, centre: subject.centre, choice: subject.choice }),
  );
  const { output: image } = await whenThereIsRoom(() =>
    science.imageCanary({ ...named('image'), subject, ms: calibrated.result.ms, sources: injected.sources }),
  );
  const { output } = await whenThereIsRoom(() => science.recoverCanary({ ...named('photometry'), subject, injected, image }));
  return output;
}

/** Steps of groups that hold memory or disk go first: this one looks again. */
async function whenThereIsRoom<Answer>(step: () => Promise<Answer>): Promise<Answer> {
  for (let looks = 1; ; looks += 1) {
    try {
      return await step();
    } catch (caught) {
      const failure: StepFailure | null = isCancellation(caught) ? null : failureOf(caught);
      if (failure?.type !== 'NoSpace' || looks >= SPACE_LOOKS) throw caught;
      await sleep(SPACE_RECHECK);
    }
  }
}

/** Answers what could not be given back, in words: it is removed with the leftovers of failed steps. */
async function giveBack(subject: CanarySubject, runId: string): Promise<string[]> {
  const options = { ...hostFileOptions(hostQueue(subject.host), LANE, subject.policy), scheduleToStartTimeout: '10 minutes' } as const;
  const attempt: AttemptName = { groupId: subject.groupId, runId, runNumber: 0, step: 'release', attempt: 1 };
  const order = { attempt, requestedAt: new Date().toISOString(), parameters: subject.parameters.release, keepScratch: false };
  try {
    await CancellationScope.nonCancellable(() => proxyActivities<HostFileActivities>(options).release(order));
    return [];
  } catch (caught) {
    return [`its scratch is still there: ${failureOf(caught).message}`];
  }
}
