/** Organize finds a set at the one path where it was written, or says that it is gone. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { organize } from '../../activities/organize.ts';
import { concatResultSchema } from '../../src/domain/science-result.ts';
import { flagsOf, hostDependencies } from './host-dependencies.ts';

const GROUP = '2025-10-02T00:05:18';
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'contimg-organize-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const organizeSetAt = (ms: string) => {
  const dependencies = hostDependencies(flagsOf({ 'paths.input': folder, 'paths.output': folder }), folder);
  const zeros = { rows: 0, times: 0, channels: 0, startMjd: 0, midMjd: 0, endMjd: 0, raDeg: 0, decDeg: 0, bytesRead: 0, bytesWritten: 0 };
  const nothing = { subbandsPresent: [], missing: [], inputs: [], flaggedFraction: 0, timingsS: {} };
  const order = {
    attempt: { groupId: GROUP, runId: 'run', runNumber: 1, step: 'organize', attempt: 1 } as const,
    requestedAt: '2025-10-02T12:00:00Z',
    parameters: { rawRowsChecked: 1 },
    key: { t0Jd: 2_460_950.5, decRad: 0.9, integrationS: 12.884902, integrations: 24 },
    degradedReasons: [],
    concat: concatResultSchema.parse({ ...zeros, ...nothing, ms, contentDigest: 'of this set' }),
  };
  return organize(dependencies)(order, { signal: new AbortController().signal, progress: () => undefined });
};

test('a set that is not where conversion wrote it is a failure with a remedy, never a completed step', async () => {
  await expect(organizeSetAt(join(folder, 'scratch', 'group.ms'))).rejects.toMatchObject({
    failure: { type: 'BadInput', code: 'MeasurementSetGone', remedy: expect.stringContaining('concat') },
  });
});

test('sets in folders above or beside the dated one, or of another version, are not taken for it', async () => {
  const decoys = [`ms/${GROUP}.ms`, `ms/science/${GROUP}.ms`, `ms/science/2025-10-01/${GROUP}.ms`, `ms/science/2025-10-02/${GROUP}.v2.ms`];
  for (const decoy of decoys) {
    mkdirSync(join(folder, decoy), { recursive: true });
    writeFileSync(join(folder, decoy, 'table.dat'), 'x');
  }
  await expect(organizeSetAt(join(folder, 'scratch', 'group.ms'))).rejects.toMatchObject({ failure: { code: 'MeasurementSetGone' } });
  expect(readdirSync(join(folder, 'ms', 'science', '2025-10-02'))).toEqual([`${GROUP}.v2.ms`]);
});
