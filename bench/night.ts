/**
 * `node bench/night.ts [--size full] [--seeds 1,2,3] [--groups 4] [--sources 60] [--calibrator 3C147 --dec 50.5]
 * [--monitor every|second] [--survey] [--work DIR] [--keep]`:
 * one night a seed (a calibrator transit and science groups) through the real pipeline, from raw files to light-curve points, each
 * group delivered when the one before it is done, as its files are written: in the page cache. With `--monitor second` only every
 * second source is monitored; `--survey` imports all of them as the survey that models of the sky are made of.
 * Prints where each second of a group goes, and what was measured against what was injected, by signal-to-noise. Full size
 * takes 30 GB of disk below DIR while it runs, 5 GB a group.
 */
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { accountFor } from '../ops/demo/outcomes.ts';
import { DemoApi } from '../ops/demo/demo-api.ts';
import { demoConfiguration, demoPorts } from '../ops/demo/demo-settings.ts';
import { readTruth, type Truth } from '../ops/demo/truth.ts';
import { openForReading } from '../src/catalog/database.ts';
import { costsOf, imagesOf, pointsOf, printCosts, printFluxes, printImages } from './night-figures.ts';

const SURVEY = 'simulated';
const contimg = resolve(import.meta.dirname, '..', 'ops', 'bin', 'contimg');
const LIMIT_MS = 30 * 60_000;
const LOOK_EVERY_MS = 2_000;

const { values } = parseArgs({
  options: {
    size: { type: 'string', default: 'mini' },
    seeds: { type: 'string', default: '1' },
    groups: { type: 'string', default: '4' },
    sources: { type: 'string', default: '60' },
    calibrator: { type: 'string', default: '3C147' },
    dec: { type: 'string', default: '50.5' },
    monitor: { type: 'string', default: 'every' },
    survey: { type: 'boolean', default: false },
    work: { type: 'string', default: tmpdir() },
    keep: { type: 'boolean', default: false },
  },
});

/** Brightest first in number: as the sky has them, down to a few times the noise of a group. */
const fluxRange = values.size === 'full' ? { flux_min_jy: 0.002, flux_max_jy: 1.5 } : { flux_min_jy: 0.01, flux_max_jy: 3 };

/** Below the header line. */
const everySecondSource = (csv: string): string =>
  csv
    .split('\n')
    .filter((_, line) => line % 2 === 0)
    .join('\n');

function start(folder: string, name: string, args: string[]) {
  const output = openSync(join(folder, `${name}.log`), 'a');
  const child = spawn(contimg, args, { cwd: folder, stdio: ['ignore', output, output] });
  closeSync(output);
  const ended = new Promise<number | null>((done, failed) => child.once('error', failed).once('exit', done));
  return { child, ended };
}

/** Puts the files of one group where they are looked for, and waits until the group has ended. */
async function pass(group: string, truth: Truth, folder: string, api: DemoApi, pipeline: ReturnType<typeof start>): Promise<void> {
  for (const { name, group_id } of truth.files) {
    const made = join(folder, 'made', name);
    if (group_id !== group) continue;
    // Other groups were written after it: brought back into the page cache.
    readFileSync(made);
    // The time of writing is that of arrival, as the correlator writes it: collecting waits from there.
    utimesSync(made, new Date(), new Date());
    renameSync(made, join(folder, 'incoming', name));
  }
  const deadline = Date.now() + LIMIT_MS;
  while (Date.now() < deadline) {
    if (pipeline.child.exitCode !== null) throw new Error(`the pipeline ended; its log is ${folder}/up.log`);
    if (accountFor(truth, await api.groups()).some(({ groupId, settled }) => groupId === group && settled)) return;
    await sleep(LOOK_EVERY_MS);
  }
  throw new Error(`${group} took longer than ${LIMIT_MS / 60_000} minutes; logs are in ${folder}`);
}

async function night(seed: string): Promise<ReturnType<typeof pointsOf>> {
  mkdirSync(values.work, { recursive: true });
  const folder = mkdtempSync(join(values.work, 'contimg-night-'));
  for (const name of ['made', 'incoming', 'products', 'state', 'memory']) mkdirSync(join(folder, name));
  const ports = await demoPorts();
  const config = join(folder, 'contimg.json');
  const base = demoConfiguration(folder, ports);
  // One group at a time with both processors: what a step costs is its own.
  const settings = { ...base, worker: { omp_threads: 2, slots: 1 }, collecting: { deadline_s: 600, recheck_s: 5 } };
  writeFileSync(config, JSON.stringify(settings));
  const sources = { count: Number(values.sources), radius_deg: 1.1, separation_arcmin: 3, doubling: 0, ...fluxRange };
  writeFileSync(join(folder, 'sky.json'), JSON.stringify({ size: values.size, seed: Number(seed), sources }));
  const strip = ['--calibrator', values.calibrator, '--dec', values.dec];
  const simulation = ['--out', 'made', '--truth', 'truth', '--parameters', 'sky.json', '--groups', values.groups, '--days', '1', ...strip];
  const code = await start(folder, 'simulate', ['simulate', '--config', config, ...simulation]).ended;
  if (code !== 0) throw new Error(`simulate ended with ${code}; its log is ${folder}/simulate.log`);
  const sky = join(folder, 'truth', 'catalogue.csv');
  if (values.survey) {
    const imported = await start(folder, 'import', ['catalog', 'import', SURVEY, sky, '--format', 'csv', '--config', config]).ended;
    if (imported !== 0) throw new Error(`import ended with ${imported}; its log is ${folder}/import.log`);
    writeFileSync(config, JSON.stringify({ ...settings, sky: { survey: SURVEY } }));
  }
  // The pipeline reads it where the simulator wrote it.
  if (values.monitor === 'second') writeFileSync(sky, everySecondSource(readFileSync(sky, 'utf8')));
  const pipeline = start(folder, 'up', ['up', '--config', config]);
  try {
    const api = new DemoApi(`http://127.0.0.1:${ports.api}`);
    while (!(await api.isServing())) await sleep(LOOK_EVERY_MS);
    const truth = readTruth(folder);
    if (truth === null) throw new Error(`the simulator left no truth; its log is ${folder}/simulate.log`);
    for (const { group_id } of truth.groups) await pass(group_id, truth, folder, api, pipeline);
    const database = openForReading(join(folder, 'state', 'db', 'pipeline.sqlite3'));
    try {
      console.log(
        `\nseed ${seed}: ${accountFor(truth, await api.groups())
          .map(({ groupId, state }) => `${groupId} ${state}`)
          .join(', ')}`,
      );
      printCosts(costsOf(database), truth);
      printImages(imagesOf(database));
      return pointsOf(database, truth);
    } finally {
      database.close();
    }
  } finally {
    pipeline.child.kill('SIGTERM');
    await pipeline.ended;
    if (values.keep) console.log(`kept: ${folder}`);
    else rmSync(folder, { recursive: true, force: true });
  }
}

const points: ReturnType<typeof pointsOf> = [];
for (const seed of values.seeds.split(',')) points.push(...(await night(seed)));
printFluxes(points);
console.log(
  `load of the machine ${loadavg()
    .map((one) => one.toFixed(1))
    .join(' ')}`,
);
