/**
 * `node bench/ingest.ts [--files N] [--known M] [--unknown K] [--headers-of FOLDER]`: how fast raw files come in, on real
 * tiny HDF5 files in a temporary folder, with the real watcher in a process of its own.
 * Files that arrive by rename, a first start on unknown files, a start on known ones, the time from settled to admitted, and
 * memory on the way; each beside a plain walk or a plain h5py read of the same files by Python, in the same run.
 * With `--headers-of` only: headers a second of the raw files in a folder, full-size ones for example.
 */
import { execFileSync } from 'node:child_process';
import { readdir, stat } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { judgeName } from '../src/domain/subband.ts';
import { admit } from '../src/ingest/admission.ts';
import { signatureOf } from '../src/domain/file-signature.ts';
import { createHeaderReader } from '../src/ingest/header-reader.ts';
import { placeFiles, rawFiles } from './arriving-files.ts';
import { type Bench, benchFolder, deliver, placeKnown, RunningWatcher } from './ingest-run.ts';
import type { WatcherReport } from './ingest-watcher.ts';

const PYTHON = new URL('../science/.venv/bin/python', import.meta.url).pathname;
const PEERS = new URL('./ingest_peers.py', import.meta.url).pathname;
const SITE = { latDeg: 37.2334051, lonDeg: -118.283, heightM: 1188.05 };
const FILES_IN_A_GROUP = 16;
const PACED_FILES = 320;
const PEER_HEADERS = 300;

const { values } = parseArgs({
  options: {
    files: { type: 'string', default: '10000' },
    known: { type: 'string', default: '134000' },
    unknown: { type: 'string', default: '10000' },
    'headers-of': { type: 'string' },
  },
});

const say = (what: string, figures: string): void => console.log(`${what.padEnd(34)} ${figures}`);

/** `processorMs` is what a file costs on a machine that others use too. */
interface Rate {
  filesPerSecond: number;
  processorMs: number;
}

function peer(...parameters: string[]): Rate {
  const output = execFileSync(PYTHON, [PEERS, ...parameters], { encoding: 'utf8' });
  const [seconds = Number.NaN, busyS = Number.NaN, files = Number.NaN] = output.split(' ').map(Number);
  return { filesPerSecond: files / seconds, processorMs: (1000 * busyS) / files };
}

function sayRates(what: string, ours: Rate, theirs: Rate): void {
  const text = ({ filesPerSecond, processorMs }: Rate): string =>
    `${filesPerSecond.toFixed(0)} files/s with ${processorMs.toFixed(2)} ms of processor each`;
  const ratio = (theirs.processorMs / ours.processorMs).toFixed(2);
  say(what, `${text(ours)}; h5py, reading alone, ${text(theirs)}; a processor does ${ratio} times as many`);
}

const perSecond = ({ admittedAtMs: times }: WatcherReport): number =>
  (1000 * (times.length - 1)) / ((times.at(-1) ?? Number.NaN) - (times[0] ?? Number.NaN));

const memoryText = ({ memory }: WatcherReport): string => {
  const every = Math.max(1, Math.ceil(memory.length / 6));
  const shown = memory.filter((_, index) => index % every === 0 || index === memory.length - 1);
  return `resident ${shown.map(({ admitted, residentMb }) => `${residentMb.toFixed(0)} MB at ${admitted}`).join(', ')}`;
};

async function headersOf(folder: string): Promise<void> {
  const candidates = (await readdir(folder)).flatMap((name) => {
    const verdict = judgeName(name);
    return verdict.kind === 'candidate' ? [{ path: join(folder, name), claims: verdict }] : [];
  });
  const reader = createHeaderReader({ deadlineMs: 5000 });
  const readOnce = async (): Promise<void> => {
    const verdicts = candidates.map(async ({ path, claims }) =>
      admit(path, signatureOf(await stat(path, { bigint: true })), claims, SITE, reader),
    );
    const refused = (await Promise.all(verdicts)).find(({ kind }) => kind !== 'admitted');
    if (refused !== undefined) throw new Error(`a file was not admitted: ${JSON.stringify(refused)}`);
  };
  await readOnce();
  const rounds = Math.ceil(PEER_HEADERS / candidates.length);
  const [begunMs, busyBefore] = [performance.now(), process.cpuUsage()];
  for (let round = 0; round < rounds; round += 1) await readOnce();
  const { user, system } = process.cpuUsage(busyBefore);
  const files = rounds * candidates.length;
  const ours = { filesPerSecond: (1000 * files) / (performance.now() - begunMs), processorMs: (user + system) / 1000 / files };
  await reader.close();
  sayRates('headers read and judged', ours, peer('headers', folder, String(files)));
}

async function inFolder(work: (bench: Bench) => Promise<void>): Promise<void> {
  const bench = await benchFolder();
  try {
    await work(bench);
  } finally {
    await bench.remove();
  }
}

async function firstStart(count: number): Promise<void> {
  const files = await rawFiles({ antennas: 3, integrations: 1 });
  await inFolder(async ({ base, input }) => {
    await placeFiles(files, input, 0, count);
    const theirs = peer('headers', input, String(Math.min(count, PEER_HEADERS)));
    const watcher = new RunningWatcher(base);
    await watcher.untilAdmitted(count);
    const report = await watcher.stop();
    const ours = { filesPerSecond: perSecond(report), processorMs: (1000 * report.processorS) / count };
    sayRates(`first start, ${count} unknown files`, ours, theirs);
    say('', memoryText(report));
  });
}

async function startAndArrivals(known: number, arriving: number): Promise<void> {
  const files = await rawFiles({ antennas: 3, integrations: 1 });
  await inFolder(async (bench) => {
    await placeKnown(bench, files, known);
    const walkS = known / peer('stats', bench.input).filesPerSecond;
    const watcher = new RunningWatcher(bench.base);
    await watcher.whenStarted();
    const last = known + PACED_FILES;
    const paced = await deliver(files, bench.input, { from: known, to: last, atOnce: FILES_IN_A_GROUP, pauseMs: 900 });
    await watcher.untilAdmitted(PACED_FILES);
    const begunMs = Date.now();
    await deliver(files, bench.input, { from: last, to: last + arriving, atOnce: 1000, pauseMs: 0 });
    await watcher.untilAdmitted(PACED_FILES + arriving);
    const report = await watcher.stop();
    say(
      `start, ${known} known files`,
      `scan ${report.firstScanS.toFixed(2)} s; walk with stat by Python ${walkS.toFixed(2)} s; ratio ${(report.firstScanS / walkS).toFixed(2)}`,
    );
    const waits = report.firstPaths
      .map((path, index) => (report.admittedAtMs[index] ?? Number.NaN) - (paced.get(path) ?? Number.NaN))
      .filter(Number.isFinite);
    const sorted = waits.toSorted((one, other) => one - other);
    const p99 = sorted[Math.floor(0.99 * (sorted.length - 1))] ?? Number.NaN;
    say(
      'from renamed to admitted',
      `p99 ${p99.toFixed(0)} ms, longest ${(sorted.at(-1) ?? Number.NaN).toFixed(0)} ms, of ${sorted.length} files, a group a second`,
    );
    const burst = report.admittedAtMs.filter((atMs) => atMs >= begunMs);
    const burstS = ((burst.at(-1) ?? Number.NaN) - begunMs) / 1000;
    say(
      `${arriving} files arriving by rename`,
      `${(arriving / burstS).toFixed(0)} files/s, all admitted ${burstS.toFixed(1)} s after the first rename began`,
    );
    say('', memoryText(report));
  });
}

if (values['headers-of'] !== undefined) await headersOf(values['headers-of']);
else {
  await firstStart(Number(values.unknown));
  await startAndArrivals(Number(values.known), Number(values.files));
}
say(
  'load of the machine',
  loadavg()
    .map((one) => one.toFixed(1))
    .join(' '),
);
