/** The warnings of the earlier streaming converter, word for word, from a real database; each ends with the command to run. */
import { insertAttempt } from '../../src/catalog/step-attempts.ts';
import { projectGroup } from '../../src/catalog/group-projection.ts';
import { loadSettings } from '../../src/config/load.ts';
import type { GroupProjection } from '../../src/domain/catalog-command.ts';
import type { GroupId } from '../../src/domain/group-id.ts';
import { PipelineWarnings } from '../../src/telemetry/warnings.ts';
import { AT, attempt, foundGroup, openNight, type OpenNight, projection } from '../catalog/night.ts';

const AT_MS = Date.parse(AT);
const flags = [{ key: 'collecting.warnAfterS', value: 600, name: 'test' }];
let night: OpenNight;
let warnings: PipelineWarnings;
let founded = 0;
beforeEach(() => {
  night = openNight();
  founded = 0;
  warnings = new PipelineWarnings(loadSettings({ flags }).settings, AT);
});
afterEach(() => night.close());

/** A group in a state since AT; its ids are five minutes apart. */
function groupIn(state: GroupProjection['state'], changes: Partial<GroupProjection> = {}): GroupId {
  const startedAt = new Date(Date.parse('2025-10-05T12:30:00Z') + founded * 300_000).toISOString();
  founded += 1;
  const { groupId, key } = foundGroup(night.database, startedAt);
  projectGroup(night.database, projection(groupId, key, { state, revision: 5, ...changes }), AT);
  return groupId;
}
const messages = (afterS = 0): string[] => warnings.look(night.database, AT_MS + afterS * 1000).map(({ message }) => message);

test('more than ten pending groups are a high queue depth; groups that collect or park do not count', () => {
  for (let n = 0; n < 10; n += 1) groupIn('pending');
  for (let n = 0; n < 3; n += 1) groupIn('needs_attention');
  expect(messages()).toEqual([]);
  groupIn('pending');
  expect(messages()).toEqual(['High queue depth: 11 groups queued: see contimg group ls --state pending']);
  expect(messages()).toHaveLength(1);
});

test('a group in work without a word for longer than the time limit is stale, one that waits for calibration is not', () => {
  const groupId = groupIn('in_progress');
  groupIn('in_progress', { waitingFor: 'a calibration set' });
  expect(messages(899)).toEqual([]);
  expect(messages(901)).toEqual([`Found 1 stale in-progress groups (>15 min): see contimg group show ${groupId}`]);
});

test('a group that waits too long for subbands is named once', () => {
  const groupId = groupIn('collecting');
  expect(messages(599)).toEqual([]);
  expect(messages(601)).toEqual([
    `Group ${groupId} has been waiting for missing subbands longer than 600 s: see contimg group show ${groupId}`,
  ]);
  expect(messages(700)).toEqual([]);
});

describe('a completed group', () => {
  const completedIn = (seconds: number): GroupId => {
    const completedAt = new Date(AT_MS + seconds * 1000).toISOString();
    const groupId = groupIn('completed', { completedAt });
    insertAttempt(night.database, attempt(groupId, { startedAt: AT, endedAt: completedAt }));
    return groupId;
  };

  test('says once in how many seconds', () => {
    const groupId = completedIn(100);
    expect(messages(101)).toEqual([`Group ${groupId} completed in 100.0 s`]);
    expect(messages(102)).toEqual([]);
  });

  test('slower than the telescope is warned of', () => {
    const groupId = completedIn(285.2);
    expect(messages(300)).toEqual([
      `Group ${groupId} completed in 285.2 s`,
      `Group ${groupId} took 285.2 s (exceeds 4.5 min threshold): see contimg group show ${groupId}`,
    ]);
  });
});
