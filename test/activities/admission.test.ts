/** Steps of one host side by side: what one has claimed the next does not get, and a copy in memory is left out instead of waited for. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { admitted, admittedToMemory } from '../../activities/admission.ts';
import type { AttemptName } from '../../src/domain/step-output.ts';
import { defaultStepParameters } from '../../src/domain/step-parameters.ts';
import { HostLedger } from '../../src/runner/host-ledger.ts';

const attempt = (step: AttemptName['step']): AttemptName => ({ groupId: 'G', runId: 'r', runNumber: 1, step, attempt: 1 });
const watch = { signal: new AbortController().signal, progress: () => undefined };

let folder: string;
let ledger: HostLedger;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'contimg-admission-'));
  ledger = new HostLedger({ folders: { scratch: folder, output: folder, tmpfs: folder }, memoryBytes: 4e9 });
});
afterEach(() => rmSync(folder, { recursive: true }));

test('a step holds its claim while it runs and gives it back when it ends, also when it fails', async () => {
  const held: unknown[] = [];
  const work = admitted(
    ledger,
    () => ({ memory: 3e9 }),
    async () => {
      held.push(...ledger.claims);
      throw new Error('told to fail');
    },
  );
  await expect(work({ attempt: attempt('image') }, watch)).rejects.toThrow('told to fail');
  expect(held).toEqual([{ name: 'image of G', footprint: { memory: 3e9 } }]);
  expect(ledger.claims).toEqual([]);
});

test('a step that does not fit is refused before it begins, as NoSpace without side effects', async () => {
  ledger.claim('image of A', { memory: 3e9 });
  let began = false;
  const work = admitted(
    ledger,
    () => ({ memory: 2e9 }),
    async () => {
      began = true;
    },
  );
  await expect(work({ attempt: attempt('image') }, watch)).rejects.toMatchObject({
    failure: { type: 'NoSpace', code: 'NotAdmitted', sideEffects: 'none', message: expect.stringContaining('2.0 GB of memory') },
  });
  expect(began).toBe(false);
});

test('a copy in memory is made once there is room for it beside the others, and left out with the reason before', async () => {
  const ms = join(folder, 'G.ms');
  mkdirSync(ms);
  writeFileSync(join(ms, 'table.dat'), Buffer.alloc(1_000_000));
  const done = { output: { ms, bytes: 1_000_000 }, resources: null, bytesRead: 0, bytesWritten: 0, timingsS: null, note: null };
  const work = admittedToMemory(ledger, async () => done);
  const order = { attempt: attempt('moveToTmpfs'), requestedAt: '', parameters: defaultStepParameters().moveToTmpfs, ms };
  const giveBack = ledger.claim('moveToTmpfs of A', { tmpfs: ledger.unclaimedBytes('tmpfs') - 1_000_000 });
  expect(await work(order, watch)).toMatchObject({ output: { ms: null }, note: expect.stringContaining('80 % of the memory file system') });
  giveBack();
  expect(await work(order, watch)).toEqual(done);
});
