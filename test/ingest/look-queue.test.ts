/**
 * In which order files are looked at, and by how many at a time.
 */
import * as fc from 'fast-check';
import { LookQueue } from '../../src/ingest/look-queue.ts';

const takeAll = (queue: LookQueue): string[] => {
  const taken: string[] = [];
  for (let path = queue.take(); path !== null; path = queue.take()) {
    taken.push(path);
    queue.putDown(path);
  }
  return taken;
};

test('whatever the order in which they are named, each file is looked at once, the newest name first', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 3 })), (paths) => {
      const queue = new LookQueue();
      for (const path of paths) queue.add(path);
      expect(takeAll(queue)).toEqual([...new Set(paths)].sort().toReversed());
      expect(queue.hasWork()).toBe(false);
    }),
  );
});

test('a file that arrives is not kept waiting by a backlog', () => {
  const queue = new LookQueue();
  for (let hour = 10; hour < 20; hour += 1) queue.add(`2025-10-02T${hour}:00:00_sb00.hdf5`);
  queue.take();
  queue.add('2025-10-03T08:00:00_sb00.hdf5');
  expect(queue.take()).toBe('2025-10-03T08:00:00_sb00.hdf5');
  expect(takeAll(queue)).toHaveLength(9);
});

test('a file that is being looked at is not handed out a second time, and comes again if it is named meanwhile', () => {
  const queue = new LookQueue();
  queue.add('a');
  expect(queue.take()).toBe('a');
  queue.add('a');
  expect([queue.take(), queue.takeThis('a'), queue.hasWork()]).toEqual([null, false, true]);
  queue.putDown('a');
  expect(queue.take()).toBe('a');
});
