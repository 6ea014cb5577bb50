/**
 * How many files a second come in, and what a file that is known costs: a tenth of bench/ingest.ts, with bounds so wide that
 * only a lost order of magnitude breaks them. Times of the processor are taken where a busy machine would stretch the clock.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { placeFiles, rawFiles } from '../../bench/arriving-files.ts';
import { type Bench, benchFolder, placeKnown, RunningWatcher } from '../../bench/ingest-run.ts';
import { admit } from '../../src/ingest/admission.ts';
import { signatureOf } from '../../src/domain/file-signature.ts';
import { createHeaderReader } from '../../src/ingest/header-reader.ts';
import { nameOf, t0JdOf, writeTinyFile } from './tiny-uvh5.ts';

const START = '2025-10-02T00:05:18';
const site = { latDeg: 37.2334051, lonDeg: -118.283, heightM: 1188.05 };
/** Each takes 3 to 8 s on an idle machine. */
const LIMIT_MS = 120_000;
let bench: Bench;

beforeEach(async () => {
  bench = await benchFolder();
});
afterEach(() => bench.remove());

test(
  'a thousand unknown files are admitted, each for a few milliseconds of processor, and memory does not follow their number',
  async () => {
    await placeFiles(await rawFiles({ antennas: 3, integrations: 1 }), bench.input, 0, 1000);
    const watcher = new RunningWatcher(bench.base);
    await watcher.untilAdmitted(1000);
    const report = await watcher.stop();
    expect(report.admittedAtMs).toHaveLength(1000);
    // 5 ms on an idle machine, which is 400 files/s on two processors; starting costs 2 s of a thousand files' 5.
    expect(report.processorS).toBeLessThan(20);
    const early = report.memory.find(({ admitted }) => admitted >= 200)?.residentMb ?? Number.NaN;
    // A kilobyte a file would be 0.8 MB; a header kept for each would be 20 MB or more. The rest is the collector's choice.
    expect((report.memory.at(-1)?.residentMb ?? Number.NaN) - early).toBeLessThan(100);
  },
  LIMIT_MS,
);

test(
  'four thousand known files are scanned in a fraction of a second, and none is opened',
  async () => {
    const files = await rawFiles({ antennas: 3, integrations: 1 });
    await placeKnown(bench, files, 4000);
    const before = await stat(join(bench.input, files.name(0)));
    const watcher = new RunningWatcher(bench.base);
    await watcher.whenStarted();
    const report = await watcher.stop();
    expect(report.admittedAtMs).toEqual([]);
    // 134,000 in 10 s would be 0.3 s; the rest is for other work on the machine.
    expect(report.firstScanS).toBeLessThan(3);
    expect((await stat(join(bench.input, files.name(0)))).atimeMs).toBe(before.atimeMs);
  },
  LIMIT_MS,
);

test(
  'the 111,744 rows of a full-size header are judged in a few hundredths of a second',
  async () => {
    const path = join(bench.input, nameOf(START, 3));
    await writeTinyFile(path, { subband: 3, t0Jd: t0JdOf(START), antennas: 96, integrations: 24, channels: 1 });
    const signature = signatureOf(await stat(path, { bigint: true }));
    const reader = createHeaderReader({ deadlineMs: 60_000 });
    const processorMs: number[] = [];
    for (let round = 0; round < 10; round += 1) {
      const before = process.cpuUsage();
      expect((await admit(path, signature, { subband: 3, nameTimeText: START }, site, reader)).kind).toBe('admitted');
      const { user, system } = process.cpuUsage(before);
      processorMs.push((user + system) / 1000);
    }
    await reader.close();
    // 10 ms on an idle machine; reading the integers one by one took 50.
    expect(Math.min(...processorMs)).toBeLessThan(30);
  },
  LIMIT_MS,
);
