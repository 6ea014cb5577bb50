/** The checks of `contimg doctor`. Each looks at one thing and never throws: what cannot be looked at fails. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, statfsSync, statSync } from 'node:fs';
import { totalmem } from 'node:os';
import { promisify } from 'node:util';
import { OlderSchema, openForReading } from '../catalog/database.ts';
import { currentSurvey, noSuchSurvey } from '../catalog/known-sky.ts';
import type { Settings } from '../config/settings.ts';
import { findProgram } from '../runner/process-group.ts';
import { findSciencePython } from '../runner/science-environment.ts';
import { findTemporalCli } from '../temporal/cli-binary.ts';
import { connectClient, temporalAddressOf } from '../temporal/connection.ts';
import { withDatabase } from './group-views.ts';
import { problemOf } from './problem.ts';
import { slotWarning } from './slot-warning.ts';

export interface Finding {
  name: string;
  verdict: 'ok' | 'warn' | 'fail';
  fact: string;
  remedy: string | null;
}

const run = promisify(execFile);
const IMPORT_LIMIT_MS = 60_000;
const SCIENCE_MODULES = ['numpy', 'h5py', 'casacore.tables', 'astropy', 'astropy_iers_data', 'numba', 'aoflagger', 'pydantic'];
const NODE_MAJOR = 24;
/** Below this a busy raw directory soon uses up the watches of one user. */
const INOTIFY_WATCHES_WANTED = 8_192;

export async function examine(settings: Settings): Promise<Finding[]> {
  const { paths } = settings;
  const checks: Promise<Finding>[] = [
    ...blockingChecks(settings),
    checked('temporal', 'warn', async () => temporalAnswers(settings)),
    ...['setpriv', 'prlimit'].map((name) => checked(name, 'warn', async () => onPath(name))),
    checked('database', 'warn', async () => {
      openForReading(paths.database).close();
      return paths.database;
    }),
    checked('input', 'warn', async () => folder(paths.input)),
    checked('output', 'warn', async () => folder(paths.output)),
    checked('tmpfs', 'warn', async () => folder(paths.tmpfs)),
    checked('inotify watches', 'warn', async () => inotifyWatches()),
    checked('memory', 'warn', async () => `${(totalmem() / 1e9).toFixed(1)} GB`),
  ];
  const warning = slotWarning(settings);
  const threads: Finding =
    warning === null
      ? { name: 'threads', verdict: 'ok', fact: `${settings.worker.slots} × ${settings.worker.ompThreads}`, remedy: null }
      : { name: 'threads', verdict: 'warn', fact: warning, remedy: 'lower worker.slots or worker.omp_threads' };
  return [...(await Promise.all(checks)), threads];
}

/** Without these no group can be processed: the pipeline does not start. */
const blockingChecks = (settings: Settings): Promise<Finding>[] => [
  checked('node', 'fail', async () => nodeVersion()),
  // A server that runs elsewhere needs no program here.
  checked('temporal CLI', settings.temporal.address === undefined ? 'fail' : 'warn', async () => findTemporalCli()),
  checked('science python', 'fail', async () => scienceImports(settings)),
  checked('wsclean', 'fail', async () => onPath('wsclean')),
  ...surveyCheck(settings),
];

const surveyCheck = ({ sky: { survey }, paths }: Settings): Promise<Finding>[] =>
  survey === undefined ? [] : [checked('sky survey', 'fail', async () => surveyFact(paths.database, survey))];

function surveyFact(path: string, survey: string): string {
  if (!existsSync(path)) throw noSuchSurvey(survey);
  try {
    const { version, sources } = withDatabase(path, (database) => currentSurvey(database, survey));
    return `${survey} version ${version}, ${sources} sources`;
  } catch (error) {
    // The start that this would forbid is what mends it.
    if (error instanceof OlderSchema) return `${survey}, not looked at: ${error.message}`;
    throw error;
  }
}

export const blockingFindings = async (settings: Settings): Promise<Finding[]> =>
  (await Promise.all(blockingChecks(settings))).filter(({ verdict }) => verdict === 'fail');

async function checked(name: string, whenNot: 'warn' | 'fail', look: () => Promise<string>): Promise<Finding> {
  try {
    return { name, verdict: 'ok', fact: await look(), remedy: null };
  } catch (error) {
    const { detail, remedy, code } = problemOf(error).problem;
    return { name, verdict: whenNot, fact: detail, remedy: code === 'bug' ? (REMEDIES[name] ?? null) : remedy };
  }
}

const REMEDIES: Readonly<Record<string, string>> = {
  node: 'run through ops/bin/contimg, which starts the right one',
  wsclean: 'apt-get install wsclean',
  setpriv: 'install util-linux: without it a killed worker may leave processes until it starts again',
  prlimit: 'install util-linux: without it steps run without memory limits',
  'science python': 'run `make setup` in the checkout',
  'inotify watches': 'sysctl fs.inotify.max_user_watches=524288; until then directories are scanned',
};

function nodeVersion(): string {
  const major = Number(process.versions.node.split('.')[0]);
  if (major < NODE_MAJOR) throw new Error(`Node ${process.versions.node} is older than ${NODE_MAJOR}`);
  return process.versions.node;
}

async function temporalAnswers(settings: Settings): Promise<string> {
  const client = await connectClient(settings);
  try {
    await client.connection.workflowService.describeNamespace({ namespace: settings.temporal.namespace });
    return `${temporalAddressOf(settings)}, namespace ${settings.temporal.namespace}`;
  } finally {
    await client.connection.close();
  }
}

async function scienceImports({ paths }: Settings): Promise<string> {
  const { interpreter } = findSciencePython(paths.python);
  const script = `import sys\n${SCIENCE_MODULES.map((name) => `import ${name}`).join('\n')}\nprint(sys.version.split()[0])`;
  const { stdout } = await run(interpreter, ['-c', script], { timeout: IMPORT_LIMIT_MS });
  return `${interpreter}, Python ${stdout.trim()}`;
}

function onPath(name: string): string {
  const found = findProgram(name);
  if (found === null) throw new Error(`${name} is not on the PATH`);
  return found;
}

function folder(path: string): string {
  if (!statSync(path).isDirectory()) throw new Error(`${path} is not a directory`);
  const { bavail, bsize } = statfsSync(path);
  return `${path}, ${((bavail * bsize) / 1e9).toFixed(1)} GB free`;
}

function inotifyWatches(): string {
  const watches = Number(readFileSync('/proc/sys/fs/inotify/max_user_watches', 'utf8'));
  if (watches < INOTIFY_WATCHES_WANTED) throw new Error(`only ${watches} watches a user`);
  return String(watches);
}
