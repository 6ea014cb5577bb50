/** Ledger, audit, events and requests through SQL: what is written once stays, and every change can be followed. */
import { insertAudit, listAudit } from '../../src/catalog/audit.ts';
import { appendEvent, eventRange, eventsAfter, pruneEvents } from '../../src/catalog/events.ts';
import { ledgerBetween, setLedgerOutcome } from '../../src/catalog/ledger.ts';
import { inTransaction } from '../../src/catalog/statement.ts';
import { attemptsOf, insertAttempt } from '../../src/catalog/step-attempts.ts';
import { AT, type OpenNight, attempt, foundGroup, openNight } from './night.ts';

let night: OpenNight;
beforeEach(() => {
  night = openNight();
});
afterEach(() => night.close());

test('a group closes its ledger row, and telling it again is no event', () => {
  const { groupId } = foundGroup(night.database, '2025-10-05T12:30:00Z');
  const entry = { groupId, outcome: 'degraded' as const, reason: 'two subbands are missing', at: AT };
  setLedgerOutcome(night.database, entry);
  setLedgerOutcome(night.database, entry);
  expect(ledgerBetween(night.database, '2025-10-05', '2025-10-06')).toMatchObject([{ outcome: 'degraded', expected_at: `${groupId}Z` }]);
  expect(eventsAfter(night.database, 0, 99).filter((event) => event.topic === 'ledger.changed')).toHaveLength(1);
  expect(() => setLedgerOutcome(night.database, { ...entry, groupId: '2031-01-01T00:00:00' })).toThrow(/no row for group/);
});

test('the audit holds a request once and cannot be changed', () => {
  const entry = {
    requestId: 'r1',
    at: AT,
    actor: 'ann',
    via: 'cli',
    verb: 'resume',
    target: 'group/x',
    reason: 'disk is free',
    detail: { from: 'image' },
  };
  insertAudit(night.database, entry);
  insertAudit(night.database, entry);
  expect(listAudit(night.database, { target: 'group/x', limit: 9 })).toMatchObject([{ actor: 'ann', detail: { from: 'image' } }]);
  expect(() => night.database.exec(`UPDATE audit SET actor = 'bob'`)).toThrow(/append-only/);
  expect(() => night.database.exec('DELETE FROM audit')).toThrow(/append-only/);
});

test('an attempt is recorded once; another one under its number is refused', () => {
  const { groupId } = foundGroup(night.database, '2025-10-05T12:30:00Z');
  insertAttempt(night.database, attempt(groupId));
  insertAttempt(night.database, attempt(groupId));
  expect(attemptsOf(night.database, groupId)).toMatchObject([{ step: 'concat', wall_s: 70, timings_s: { load: 30 } }]);
  expect(() => insertAttempt(night.database, attempt(groupId, { startedAt: '2025-10-05T12:50:00.000Z' }))).toThrow(/recorded already/);
  expect(() => night.database.exec('DELETE FROM step_attempts')).toThrow(/append-only/);
});

test('events go out in order, after an id, and vanish with the change they tell of', () => {
  const event = { at: AT, topic: 'ledger.changed' as const, groupId: null, payload: { n: 1 } };
  appendEvent(night.database, event);
  expect(() =>
    inTransaction(night.database, () => {
      appendEvent(night.database, event);
      throw new Error('the change failed');
    }),
  ).toThrow('the change failed');
  appendEvent(night.database, event);
  const [first, second, ...none] = eventsAfter(night.database, 0, 10);
  expect(none).toEqual([]);
  expect(second?.id).toBeGreaterThan(first?.id ?? 0);
  expect(eventsAfter(night.database, first?.id ?? 0, 10)).toEqual([second]);
});

test('pruned events leave a gap that a reader can see, and no id is used twice', () => {
  const event = { at: AT, topic: 'ledger.changed' as const, groupId: null, payload: {} };
  for (let index = 0; index < 5; index += 1) appendEvent(night.database, event);
  const before = eventRange(night.database);
  pruneEvents(night.database, { before: '2020-01-01', keep: 2 });
  expect(eventRange(night.database)).toEqual({ first: (before?.last ?? 0) - 1, last: before?.last });
  pruneEvents(night.database, { before: '2030-01-01', keep: 2 });
  expect(eventRange(night.database)).toBeNull();
  appendEvent(night.database, event);
  expect(eventRange(night.database)?.first).toBe((before?.last ?? 0) + 1);
});
