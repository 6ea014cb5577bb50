/**
 * Admission ends in time whatever a header claims, takes what the correlator writes, and knows a copy from another recording.
 */
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { subbandFrequenciesHz } from '../../src/ingest/frequency-checks.ts';
import type { HeaderFacts } from '../../src/ingest/header-facts.ts';
import { createHeaderReader, type HeaderReader } from '../../src/ingest/header-reader.ts';
import {
  type Changes,
  codeOf,
  filePath,
  folder,
  header,
  number,
  reader,
  refusalOf,
  START,
  useOneFile,
  verdictOn,
  verdictOnDisk,
} from './one-file.ts';
import { INTEGRATION_S, t0JdOf, writeTinyFile } from './tiny-uvh5.ts';

useOneFile();

async function facts(changes: Changes): Promise<HeaderFacts> {
  const verdict = await verdictOn(changes);
  if (verdict.kind !== 'admitted') throw new Error(codeOf(verdict));
  return verdict.facts;
}
const hertz = (subband: number, channel: number): number | undefined => subbandFrequenciesHz(subband, 48)[channel];

describe('headers that would cost time', () => {
  test('a header that claims terabytes is refused before anything is read', async () => {
    await verdictOn({});
    const before = process.cpuUsage();
    const refusal = refusalOf(await verdictOn({ visdataRows: 30_000_000_000 }));
    expect([refusal.code, refusal.message]).toEqual([
      'HeaderTooLarge',
      expect.stringMatching(/visdata claims 2.9 TB in a file of 0.0\d\d MB$/),
    ]);
    // Processor time, which a busy machine does not stretch; one pass over a thousandth of the claim would take more.
    expect(process.cpuUsage(before).user / 1e6).toBeLessThan(2);
  });

  test('a read that does not end is ended at the deadline, and the next file is read', async () => {
    const stuck = new URL(
      'data:text/javascript,import{parentPort}from"node:worker_threads";parentPort.on("message",()=>{for(;;){}});parentPort.postMessage("ready")',
    );
    const slow = createHeaderReader({ deadlineMs: 300, workerUrl: stuck });
    await writeTinyFile(filePath(), { subband: 3, t0Jd: t0JdOf(START) });
    expect(codeOf(await verdictOnDisk({ using: slow }))).toBe('HeaderTimeout');
    expect(codeOf(await verdictOnDisk({ using: slow }))).toBe('HeaderTimeout');
    await slow.close();
    expect(codeOf(await verdictOnDisk())).toBe('admitted');
  });

  test('random bytes over a header end as a refusal, and the reader goes on', async () => {
    await writeTinyFile(filePath(), { subband: 3, t0Jd: t0JdOf(START) });
    const content = await readFile(filePath());
    for (let at = 96; at < 4096; at += 1) content[at] = (at * 2_654_435_761) & 255;
    await writeFile(filePath(), content);
    expect((await verdictOnDisk()).kind).toBe('rejected');
    expect(codeOf(await verdictOn({}))).toBe('admitted');
  });
});

test('a file replaced while its header is read has not settled, whatever was read', async () => {
  await writeTinyFile(filePath(), { subband: 3, t0Jd: t0JdOf(START) });
  const other = join(folder, 'other.hdf5');
  await writeTinyFile(other, { subband: 3, t0Jd: t0JdOf(START), level: 2 });
  const replacing: HeaderReader = {
    ...reader,
    async read(question) {
      const verdict = await reader.read(question);
      await copyFile(other, filePath());
      return verdict;
    },
  };
  expect((await verdictOnDisk({ using: replacing })).kind).toBe('changed');
  expect((await verdictOnDisk()).kind).toBe('admitted');
});

describe('what is accepted', () => {
  const accepted: [string, Changes][] = [
    ['the correlator’s own layout', {}],
    ['a negative channel width', header('channel_width', number(-(250e6 / 8192) * 64))],
    ['ascending channels in one dimension', header('freq_array', { data: Float64Array.from(subbandFrequenciesHz(3, 6)).toReversed() })],
    ['a scalar integration time', header('integration_time', number(INTEGRATION_S))],
    ['48 channels', { channels: 48 }],
    ['a single integration', { integrations: 1 }],
    ['counts left out', { header: { Ntimes: null, Nbls: null, Nblts: null, Nants_data: null } }],
    ['the declination only as phase_center_app_dec', header('extra_keywords/phase_center_dec', null)],
  ];
  test.each(accepted)('%s', async (_layout, changes) => {
    expect(codeOf(await verdictOn(changes))).toBe('admitted');
  });

  test('a copy has the same digests; other visibilities, or another history, have another header digest', async () => {
    const first = await facts({});
    // Bytes are copied: a file written again would have other time stamps inside.
    const copyPath = join(folder, 'copy', basename(filePath()));
    await mkdir(dirname(copyPath));
    await copyFile(filePath(), copyPath);
    expect(await verdictOnDisk({ path: copyPath })).toEqual({ kind: 'admitted', facts: first });
    const [other, later] = [await facts({ level: 2 }), await facts({ history: 'another node' })];
    for (const different of [other, later]) {
      expect(different.headerDigest).not.toBe(first.headerDigest);
      expect(different.gridDigest).toBe(first.gridDigest);
    }
    expect((await facts({ antennas: 4 })).gridDigest).not.toBe(first.gridDigest);
    expect((await facts({ integrations: 2 })).gridDigest).toBe(first.gridDigest);
  });

  test('the channels of real files', () => {
    expect([hertz(0, 0), hertz(7, 47), hertz(15, 47)]).toEqual([1_498_643_188.4765625, 1_405_137_329.1015625, 1_311_387_329.1015625]);
  });
});
