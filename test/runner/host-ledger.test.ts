/** Claims on a host's memory and disks, against a real file system of a known size. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StepError } from '../../src/domain/failure.ts';
import { createDiskGate } from '../../src/runner/disk-gate.ts';
import { HostLedger } from '../../src/runner/host-ledger.ts';

const GIGABYTE = 1e9;
const MEGABYTE = 2 ** 20;

describe('new groups on a nearly full disk', () => {
  test('stop below the lower mark and start again only above the upper one', () => {
    const gate = createDiskGate({ pauseGb: 10, resumeGb: 15 });
    const open = (freeGb: number): boolean => gate(freeGb).open;
    expect([12, 9.9, 10.1, 14.9, 15, 12, 10, 9, 16].map(open)).toEqual([true, false, false, false, true, true, true, false, true]);
    expect(gate(9)).toEqual({ open: false, neededGb: 15 });
  });

  test('an upper mark below the lower one counts as the lower one', () => {
    const gate = createDiskGate({ pauseGb: 10, resumeGb: 1 });
    expect([gate(9), gate(10)]).toEqual([{ open: false, neededGb: 10 }, { open: true }]);
  });
});

describe('memory', () => {
  const ledger = () => new HostLedger({ folders: { scratch: tmpdir(), output: tmpdir(), tmpfs: tmpdir() }, memoryBytes: 4 * GIGABYTE });

  test('is shared by the running steps; the one that does not fit is told who has it, and goes on when one ended', () => {
    const host = ledger();
    const giveBack = host.claim('image of A', { memory: 2.5 * GIGABYTE });
    host.claim('flag of B', { memory: 1 * GIGABYTE });
    expect(() => host.claim('image of C', { memory: 2.5 * GIGABYTE })).toThrow(
      '2.5 GB of memory: running steps have claimed 3.5 GB of 4.0 GB',
    );
    giveBack();
    host.claim('image of C', { memory: 2.5 * GIGABYTE });
    expect(host.claims.map(({ name }) => name)).toEqual(['flag of B', 'image of C']);
  });

  test('a step that asks for more than there is runs alone instead of never', () => {
    expect(() => ledger().claim('image of A', { memory: 50 * GIGABYTE })).not.toThrow();
  });
});

const folder = mkdtempSync(join(tmpdir(), 'contimg-small-disk-'));
const mounted = mountSmallDisk();
afterAll(() => {
  if (mounted) execFileSync('umount', [folder]);
  rmSync(folder, { recursive: true });
});

/** Needs the right to mount; where it is missing, the tests are reported as skipped. */
function mountSmallDisk(): boolean {
  return spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'contimg-test', folder]).status === 0;
}

(mounted ? describe : describe.skip)('a disk of 64 MB', () => {
  const disk = () =>
    new HostLedger({ folders: { scratch: join(folder, 'work'), output: folder, tmpfs: '/dev/shm' }, memoryBytes: GIGABYTE });

  test('is never promised twice: of four steps of 20 MB three begin, and the fourth waits for its 21.0 MB', () => {
    const host = disk();
    const names = ['A', 'B', 'C', 'D'];
    const answers = names.map((name) => {
      try {
        host.claim(`concat of ${name}`, { scratch: 20 * MEGABYTE });
        return 'begins';
      } catch (error) {
        return error instanceof StepError ? [error.failure.type, error.failure.sideEffects, error.failure.message] : String(error);
      }
    });
    expect(answers.slice(0, 3)).toEqual(['begins', 'begins', 'begins']);
    expect(answers[3]).toEqual([
      'NoSpace',
      'none',
      expect.stringMatching(/^21\.0 MB of scratch: 67\.1 MB are free in .*work, 62\.9 MB of them claimed/),
    ]);
  });

  test('counts what lies there already, and scratch and output on one disk together', () => {
    const host = disk();
    writeFileSync(join(folder, 'raw'), Buffer.alloc(30 * MEGABYTE));
    host.claim('organize of A', { output: 20 * MEGABYTE });
    expect(() => host.claim('concat of B', { scratch: 20 * MEGABYTE })).toThrow('of scratch');
    mkdirSync(join(folder, 'work'));
    expect(() => host.claim('concat of B', { scratch: 20 * MEGABYTE })).toThrow('of scratch');
    rmSync(join(folder, 'raw'));
    expect(() => host.claim('concat of B', { scratch: 20 * MEGABYTE })).not.toThrow();
  });

  test('has room for what is published there only where it comes from another file system', () => {
    const published = { published: 40 * MEGABYTE };
    const host = disk();
    for (const name of ['A', 'B']) expect(() => host.claim(`organize of ${name}`, published)).not.toThrow();
    const folders = { scratch: '/dev/shm', output: folder, tmpfs: '/dev/shm' };
    const apart = new HostLedger({ folders, memoryBytes: GIGABYTE });
    apart.claim('organize of A', published);
    expect(() => apart.claim('organize of B', published)).toThrow('41.9 MB of output: 67.1 MB are free');
  });
});
