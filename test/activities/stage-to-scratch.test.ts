/** Staging takes the files that were admitted, and no other. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stageToScratch } from '../../activities/stage-to-scratch.ts';
import { arrivalOf } from '../workflows/host-files.ts';
import { flagsOf, hostDependencies } from './host-dependencies.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'contimg-stage-'));
  path = join(folder, '2025-10-02T00:05:18_sb00.hdf5');
});
afterEach(() => rmSync(folder, { recursive: true }));

function stage(member: ReturnType<typeof arrivalOf>) {
  const dependencies = hostDependencies(flagsOf({ 'paths.input': folder, 'paths.output': folder }), folder);
  const attempt = { groupId: '2025-10-02T00:05:18', runId: 'run', runNumber: 1, step: 'stageToScratch', attempt: 1 } as const;
  const order = { attempt, requestedAt: '2025-10-02T12:00:00Z', parameters: dependencies.settings.steps.stageToScratch, members: [member] };
  return stageToScratch(dependencies)(order, { signal: new AbortController().signal, progress: () => undefined });
}

// A double holds today's date in steps of 244 ns: such times become the next millisecond when they are rounded, not when they are cut.
test.each(['1795301611.999999999', '1795301611.999999900', '1795301612.593999872', '1795301612.000000001'])(
  'a file of %s s is the one that was admitted',
  async (seconds) => {
    writeFileSync(path, 'a subband');
    execFileSync('touch', ['-d', `@${seconds}`, path]);
    expect(String(statSync(path, { bigint: true }).mtimeNs)).toBe(seconds.replace('.', ''));
    expect((await stage(arrivalOf(path, 0))).output.members).toEqual([{ path, subband: 0 }]);
  },
);

test('a file that was written again within the same millisecond is not', async () => {
  writeFileSync(path, 'a subband');
  execFileSync('touch', ['-d', '@1795301612.594100000', path]);
  const member = arrivalOf(path, 0);
  execFileSync('touch', ['-d', '@1795301612.594600000', path]);
  await expect(stage(member)).rejects.toMatchObject({ failure: { code: 'MemberChanged' } });
});
