/**
 * `contimg simulate`: faithful raw subband files with injected sources, delivered into a directory as the correlator does.
 * The truth is written beside it, never into it.
 */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { firstIssue } from '../domain/operator-request.ts';
import { FAULT_NAMES, faultTargetSchema, type Simulation, simulationResultSchema, simulationSchema } from '../domain/simulation.ts';
import { camelCased } from '../domain/spelling.ts';
import { runScience } from '../runner/run-science.ts';
import { findSciencePython, scienceEnvironment } from '../runner/science-environment.ts';
import { addLocalOptions, localSettings, wantsJson } from './local-options.ts';
import { createOutput } from './output.ts';
import { usageError } from './problem.ts';
import { numberOf } from './number-option.ts';

/** A simulated night at its own pace may take a day; nothing else limits it. */
const LIMIT_MS = 36 * 3_600_000;
const collect = (value: string, earlier: string[]): string[] => [...earlier, value];

export function simulateCommand(): Command {
  const command = new Command('simulate')
    .description('write faithful raw subband files with injected sources')
    .requiredOption('--out <dir>', 'where subband files are delivered')
    .option('--truth <dir>', 'where truth.json and catalogue.csv go; default <out>-truth')
    .option('--parameters <file>', 'JSON of parameters; flags win over it')
    .option('--start <utc>', 'not before this instant')
    .option('--calibrator <name>', 'whose transit begins each day; none: groups one after the other')
    .option('--groups <n>', 'science groups a day')
    .option('--days <n>', 'sidereal days')
    .option('--skipped <n>', 'cadences between the transit and the first science group')
    .option('--dec <deg>', 'apparent declination of the pointing')
    .option('--size <size>', 'mini or full')
    .option('--sources <n>', 'seeded sources')
    .option('--doubling <n>', 'how many of them double on the last day')
    .option('--seed <n>', 'same seed, same bytes')
    .option('--rate <n>', 'times real time; without it as fast as they are made')
    .option('--deliver <how>', 'rsync, inplace, at-once or incomplete')
    .option('--restart-gap', 'the correlator restarts between two groups')
    .option('--catalogues', 'write the injected sky in the formats of NVSS, FIRST, RACS, VLASS and the VLA list, too')
    .option('--fault <name=group:subbands[:value]>', `e.g. missing=2:7 or corrupt=0:*; names: ${FAULT_NAMES.join(', ')}`, collect, [])
    .addHelpText(
      'after',
      '\nExample:\n  contimg simulate --out /data/incoming --groups 3 --days 2 --fault missing=2:7\n\nExit codes: 0 done, 2 files, 10 subprocess, 64 usage',
    );
  return addLocalOptions(command).action(async (options) => {
    const settings = localSettings(command);
    const directory = resolve(String(options['out']));
    const parameters = simulationOf(options);
    const python = findSciencePython(settings.paths.python);
    const workDir = join(settings.paths.state, 'simulate', `${Date.now()}-${process.pid}`);
    const stopping = new AbortController();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort(new Error(`stopped by ${signal}`)));
    const { result } = await runScience({
      step: 'simulate',
      request: {
        groupId: 'simulate',
        attemptId: `simulate-${process.pid}`,
        requestedAt: new Date().toISOString(),
        workDir,
        threads: settings.worker.ompThreads,
        inputs: {},
        parameters,
        outputs: { directory, truthDirectory: resolve(String(options['truth'] ?? `${directory}-truth`)) },
      },
      resultSchema: simulationResultSchema,
      python,
      env: scienceEnvironment({
        python,
        threads: settings.worker.ompThreads,
        numbaCacheFolder: join(settings.paths.state, 'numba'),
        workDir,
      }),
      timeoutMs: LIMIT_MS,
      signal: stopping.signal,
      onProgress: progressLine(),
    });
    createOutput(wantsJson(command)).result(result, [
      ...result.groups.map((group) => `${group.groupId}  ${group.kind}  ${group.files} files`),
      `${result.files} files, ${(result.bytesWritten / 1e9).toFixed(2)} GB in ${result.directory}; truth: ${result.truth}`,
    ]);
  });
}

function progressLine(): (progress: { fraction: number; message: string }) => void {
  let last = '';
  return ({ fraction, message }) => {
    const line = `${String(Math.round(fraction * 100)).padStart(3)} %  ${message}`;
    if (line !== last) process.stderr.write(`${line}\n`);
    last = line;
  };
}

function simulationOf(options: Readonly<Record<string, unknown>>): Simulation {
  const base = typeof options['parameters'] === 'string' ? Object(camelCased(JSON.parse(readFileSync(options['parameters'], 'utf8')))) : {};
  const start = simulationSchema.safeParse(base);
  if (!start.success) throw usageError(`--parameters: ${firstIssue(start.error)}`, 'correct the file');
  const parameters = start.data;
  const parsed = simulationSchema.safeParse({
    ...parameters,
    ...given({ size: options['size'], deliver: options['deliver'] }),
    ...given({ seed: numeric('seed', options), rate: numeric('rate', options), decAppDeg: numeric('dec', options) }),
    ...(options['restartGap'] === true && { restartGap: true }),
    ...(options['catalogues'] === true && { catalogues: true }),
    sources: { ...parameters.sources, ...given({ count: numeric('sources', options), doubling: numeric('doubling', options) }) },
    schedule: scheduleOf(parameters, options),
    faults: { ...parameters.faults, ...faultsOf(options['fault']) },
  });
  if (!parsed.success) throw usageError(firstIssue(parsed.error), 'see `contimg simulate --help`');
  return parsed.data;
}

function scheduleOf({ schedule }: Simulation, options: Readonly<Record<string, unknown>>): object {
  const start = options['start'];
  const groups = numeric('groups', options);
  if (options['calibrator'] === 'none') return { kind: 'run', startUtc: start ?? '2025-10-01T00:00:00Z', count: groups ?? 1 };
  switch (schedule.kind) {
    case 'night':
      return {
        ...schedule,
        ...given({ notBeforeUtc: start, calibrator: options['calibrator'], scienceGroups: groups }),
        ...given({ days: numeric('days', options), skippedGroups: numeric('skipped', options) }),
      };
    case 'run':
      return { ...schedule, ...given({ startUtc: start, count: groups }) };
    case 'list':
      return schedule;
    default:
      return schedule satisfies never;
  }
}

const given = (values: Readonly<Record<string, unknown>>): object =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));

function numeric(name: string, options: Readonly<Record<string, unknown>>): number | undefined {
  const value = options[name];
  return typeof value === 'string' ? numberOf(`--${name}`, value, 3) : undefined;
}

function faultsOf(faults: unknown): Record<string, unknown[]> {
  const read: Record<string, unknown[]> = {};
  for (const fault of Array.isArray(faults) ? faults.map(String) : []) {
    const [, name = '', group, subbands = '', value] = /^(\w+)=(\d+):([^:]+)(?::(.+))?$/.exec(fault) ?? [];
    const target = faultTargetSchema.safeParse({
      group: Number(group),
      subbands: subbands === '*' ? '*' : subbands.split(',').map(Number),
      value: value === undefined ? null : Number.isNaN(Number(value)) ? value : Number(value),
    });
    if (!target.success) throw usageError(`--fault takes NAME=GROUP:SUBBANDS[:VALUE], not "${fault}"`, 'for example --fault missing=2:7');
    (read[name] ??= []).push(target.data);
  }
  return read;
}
