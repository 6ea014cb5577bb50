/**
 * The Temporal engine of `contimg convert`: starts or joins the workflow of each group and follows it. The pipeline does the
 * work and writes the database; stopping this command stops nothing there.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { type CatalogDatabase, openForReading, openForWriting } from '../catalog/database.ts';
import { groupById } from '../catalog/groups.ts';
import { attemptsOf } from '../catalog/step-attempts.ts';
import { WriterLocked } from '../catalog/writer-lock.ts';
import { isOpen } from '../domain/group-state.ts';
import type { GroupStatus } from '../domain/observation-group.ts';
import { groupInputOf } from '../ingest/announcement.ts';
import type { WatchStatus } from '../ingest/watch-status.ts';
import { admitDirectory, type BatchGroup, doEach, groupsOfBatch } from '../library/batch.ts';
import { earlierConversion } from '../library/earlier-conversion.ts';
import type { Conversion } from '../library/foreground-conversion.ts';
import { connectClient } from '../temporal/connection.ts';
import { queryGroup } from '../temporal/group-client.ts';
import { startGroup } from '../temporal/start-group.ts';
import type { ConvertOrder } from './convert-order.ts';
import { noGroup } from './convert-result.ts';

const LOOK_EVERY_MS = 1_000;

export async function convertThere(order: ConvertOrder): Promise<Conversion[]> {
  const { settings, signal } = order;
  const seen = await admit(order);
  const database = openForReading(settings.paths.database);
  const client = await connectClient(settings);
  try {
    const groups = await groupsOfBatch(database, settings, order.interval);
    if (groups.length === 0) throw noGroup(order.intervalText, settings.paths.input, seen, []);
    const answers = await doEach(groups, order.jobs, async (entry) => (signal.aborted ? null : convert(order, client, database, entry)));
    return answers.filter((answer) => answer !== null);
  } finally {
    await client.connection.close();
    database.close();
  }
}

/** A watcher that runs on this database has admitted the files, or will: then there is nothing to do here. */
async function admit({ settings, log, progress }: ConvertOrder): Promise<WatchStatus | null> {
  let watch;
  try {
    watch = openForWriting(settings.paths.database, { role: 'watch' });
  } catch (error) {
    if (!(error instanceof WriterLocked)) throw error;
    progress(
      `files are admitted by the watcher that runs (process ${error.holderPid ?? 'unknown'}); groups it has not seen are not converted`,
    );
    return null;
  }
  try {
    return await admitDirectory(settings, watch.database, log);
  } finally {
    watch.close();
  }
}

async function convert(order: ConvertOrder, client: Client, database: CatalogDatabase, entry: BatchGroup): Promise<Conversion> {
  const { settings, last, force, signal, progress } = order;
  const { members } = entry;
  const groupId = entry.group.group_id;
  const group = groupById(database, groupId) ?? entry.group;
  const minimum = Math.min(settings.collecting.minimum, settings.collecting.expected);
  if (members.length < minimum) {
    const reason = `${members.length} of ${settings.collecting.expected} subbands, at least ${minimum} are needed`;
    return { groupId, outcome: 'skipped', ms: null, reason, failure: null };
  }
  const earlier = force ? null : await earlierConversion(settings.paths.output, groupId, members);
  const wentFarEnough = attemptsOf(database, groupId).some(
    ({ run_id, step, outcome }) => run_id === group.run_id && step === last && outcome === 'done',
  );
  if (earlier !== null && wentFarEnough) return { groupId, outcome: 'there already', ms: earlier.ms, reason: null, failure: null };

  const runReason = group.run_id === null ? null : force ? 'contimg convert --force' : `contimg convert to ${last}`;
  const input = groupInputOf(group, settings, 'ondemand', runReason);
  input.policy.steps.last = last;
  await startGroup(client, { ...input, arrivals: members });
  let shown = '';
  for (;;) {
    const status = await queryGroup(client, groupId);
    const line = `${groupId} ${status.state}${status.step === null ? '' : ` ${status.step}`}${status.waitingFor === null ? '' : `, waits for ${status.waitingFor}`}`;
    if (line !== shown) progress(line);
    shown = line;
    const answer = conversionOf(groupId, status, last);
    if (answer !== null) return answer;
    if (signal.aborted) {
      return {
        groupId,
        outcome: 'stopped',
        ms: null,
        reason: `it goes on without this command: contimg group show ${groupId}`,
        failure: null,
      };
    }
    await sleep(LOOK_EVERY_MS);
  }
}

/** Null while it goes on. */
function conversionOf(groupId: string, status: GroupStatus, last: string): Conversion | null {
  const ms = status.products.find(({ kind }) => kind.endsWith('ms'))?.path ?? null;
  const isDone = status.attempts.some(({ step, outcome }) => step === last && (outcome === 'done' || outcome === 'skipped'));
  if (ms !== null && isDone) return { groupId, outcome: 'converted', ms, reason: null, failure: null };
  if (isOpen(status.state) && status.state !== 'needs_attention') return null;
  const reason = status.failure?.message ?? `the group is ${status.state}`;
  return { groupId, outcome: 'failed', ms: null, reason, failure: status.failure };
}
