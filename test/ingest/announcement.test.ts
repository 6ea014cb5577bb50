/**
 * What a late or early file does to its group, by the state the group is in.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openForWriting } from '../../src/catalog/database.ts';
import { type GroupRow, groupById, issueGroup } from '../../src/catalog/groups.ts';
import type { SetCompleteness } from '../../src/catalog/ms-index.ts';
import { loadSettings } from '../../src/config/load.ts';
import { observationGroupInputSchema } from '../../src/domain/observation-group.ts';
import { groupIdFromHeader } from '../../src/domain/group-id.ts';
import { type AnnouncementPlan, planAnnouncement } from '../../src/ingest/announcement.ts';
import { INTEGRATION_S, t0JdOf } from './tiny-uvh5.ts';

const { settings } = loadSettings({});
const key = { t0Jd: t0JdOf('2025-10-02T00:05:18'), decRad: 0.65, integrationS: INTEGRATION_S, integrations: 24 };
const digests = { headerDigest: 'h', gridDigest: 'g' };
const arrival = { path: '/in/a', subband: 3, bytes: 9, mtimeMs: 1, inode: '1', integrations: 24, ...digests };

let founded: GroupRow;
beforeAll(() => {
  const folder = mkdtempSync(join(tmpdir(), 'contimg-announcement-'));
  const { database, close } = openForWriting(join(folder, 'db.sqlite3'), { role: 'watch' });
  const groupId = issueGroup(database, {
    key,
    groupId: groupIdFromHeader(key.t0Jd, INTEGRATION_S),
    receivedAt: '2025-10-02T00:11:00.000Z',
  });
  const row = groupById(database, groupId);
  close();
  rmSync(folder, { recursive: true });
  if (row === null) throw new Error('the group was not founded');
  founded = row;
});

const whole: SetCompleteness = { integrations: 24, lacking: { subbands: [], short: [] } };
const without = (...subbands: number[]): SetCompleteness => ({ integrations: 24, lacking: { subbands, short: [] } });
const planFor = (changes: Partial<GroupRow>, with_ = settings, set = whole): AnnouncementPlan =>
  planAnnouncement({ ...founded, ...changes }, set, arrival, with_);
const completed: Partial<GroupRow> = { state: 'completed', run_id: 'r', run_number: 1 };

test('a new group is started in the live lane as run 1, with a valid input', () => {
  const plan = planFor({});
  expect(plan).toMatchObject({ kind: 'tell', afterClosedRun: false, input: { lane: 'live', runNumber: 1, runReason: null } });
  expect(plan.kind === 'tell' && observationGroupInputSchema.safeParse(plan.input).success).toBe(true);
});

test.each([
  ['six hours and a minute old at its first file', '2025-10-02T06:06:20.000Z', 'live', 'backlog'],
  ['just under six hours old', '2025-10-02T06:05:00.000Z', 'live', 'live'],
  ['old, and asked for by a person', '2025-10-09T00:00:00.000Z', 'ondemand', 'ondemand'],
] as const)('a new group that is %s goes to its lane', (_, received_at, lane, expected) => {
  expect(planFor({ received_at, lane })).toMatchObject({ kind: 'tell', input: { lane: expected } });
});

test('a group that has begun stays in the lane it was given, however old', () => {
  expect(planFor({ run_id: 'r', received_at: '2025-10-09T00:00:00.000Z' })).toMatchObject({ kind: 'tell', input: { lane: 'live' } });
});

test('a repeated file never starts a finished group again', () => {
  expect(planFor(completed)).toMatchObject({ kind: 'late', reason: expect.stringContaining('lacks nothing that this file brings') });
});

test('the missing subband of a degraded group starts a new run in the lane for reprocessing', () => {
  const reason = 'upgrade: sb03 arrived after conversion';
  expect(planFor(completed, settings, without(3))).toMatchObject({
    kind: 'tell',
    afterClosedRun: true,
    input: { lane: 'reprocess', runNumber: 2, runReason: reason },
  });
});

test('it does not when the subband was there already, or the policy is off', () => {
  expect(planFor(completed, settings, without(4)).kind).toBe('late');
  expect(planFor(completed, { ...settings, policy: { ...settings.policy, upgrade: 'off' } }, without(3)).kind).toBe('late');
});

test('the whole file of a subband that was short starts a new run; one that is as short does not', () => {
  const short = (...integrations: number[]): SetCompleteness => ({
    integrations: 24,
    lacking: { subbands: [], short: [{ subband: 3, integrations }] },
  });
  expect(planFor(completed, settings, short(22, 23)).kind).toBe('tell');
  const asShort = planAnnouncement({ ...founded, ...completed }, short(22, 23), { ...arrival, integrations: 22 }, settings);
  expect(asShort.kind).toBe('late');
});

test.each(['cancelled', 'failed'] as const)('a group that was %s stays closed; the file is kept as late', (state) => {
  expect(planFor({ state })).toEqual({ kind: 'late', reason: `late: the group is ${state}` });
});

test.each(['collecting', 'pending', 'in_progress', 'needs_attention'] as const)('a group in %s is told', (state) => {
  expect(planFor({ state, run_id: 'r', run_number: 1 })).toMatchObject({ kind: 'tell', afterClosedRun: false });
});
