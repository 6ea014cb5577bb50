/**
 * The command line: loads the command that is asked for, turns errors into a problem with an exit code, and answers typos
 * with the nearest name. Nothing else happens here. Only help and typos load every command: starting one must stay quick.
 */
import { inspect } from 'node:util';
import { Command, CommanderError } from 'commander';
import { nearestName } from '../config/keys.ts';
import { EXIT } from './exit-codes.ts';
import { printProblem } from './output.ts';
import { type Problem, problemOf } from './problem.ts';

const COMMANDS: Readonly<Record<string, () => Promise<unknown>>> = {
  up: async () => (await import('./up.ts')).upCommand(),
  worker: async () => (await import('./worker.ts')).workerCommand(),
  watch: async () => (await import('./watch.ts')).watchCommand(),
  api: async () => (await import('./api.ts')).apiCommand(),
  group: async () => (await import('./group.ts')).groupCommand(),
  lightcurve: async () => (await import('./lightcurve.ts')).lightCurveCommand(),
  candidates: async () => (await import('./candidates.ts')).candidatesCommand(),
  canary: async () => (await import('./canary.ts')).canaryCommand(),
  catalog: async () => (await import('./catalog.ts')).catalogCommand(),
  lineage: async () => (await import('./lineage.ts')).lineageCommand(),
  mosaic: async () => (await import('./mosaic.ts')).mosaicCommand(),
  simulate: async () => (await import('./simulate.ts')).simulateCommand(),
  convert: async () => (await import('./convert.ts')).convertCommand(),
  validate: async () => (await import('./validate.ts')).validateCommand(),
  backfill: async () => (await import('./backfill.ts')).backfillCommand(),
  ledger: async () => (await import('./ledger.ts')).ledgerCommand(),
  schedule: async () => (await import('./schedule.ts')).scheduleCommand(),
  doctor: async () => (await import('./doctor.ts')).doctorCommand(),
};

async function program(name: string, args: readonly string[]): Promise<Command> {
  if (name === 'dsa110-stream') return (await import('./up.ts')).streamCommand();
  const contimg = new Command('contimg')
    .enablePositionalOptions()
    .description('near-real-time radio imaging for the DSA-110: subband files to light curves');
  const asked = COMMANDS[args[0] ?? ''];
  for (const load of asked === undefined ? Object.values(COMMANDS) : [asked]) {
    // Commands of the typed flavour differ in type only.
    contimg.addCommand((await load()) as Command);
  }
  return contimg.addHelpText('after', '\nExample:\n  contimg up --input-dir /data/incoming --output-dir /data/products');
}

async function main(name: string, args: readonly string[]): Promise<void> {
  const root = await program(name, args);
  throwInsteadOfExit(root);
  const json = args.includes('--json');
  if (args.length === 0 && root.commands.length > 0) {
    root.outputHelp({ error: true });
    process.exitCode = EXIT.usage;
    return;
  }
  try {
    await root.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return; // --help and --version
    const { exitCode, problem } = error instanceof CommanderError ? usageProblem(error, root, args) : problemOf(error);
    printProblem(problem, json);
    if (problem.code === 'bug') process.stderr.write(`${inspect(error)}\n`);
    process.exitCode = exitCode;
  }
}

function throwInsteadOfExit(command: Command): void {
  command.exitOverride().configureOutput({ outputError: () => undefined });
  command.showSuggestionAfterError(false);
  for (const child of command.commands) throwInsteadOfExit(child);
}

function usageProblem(error: CommanderError, root: Command, args: readonly string[]): { exitCode: number; problem: Problem } {
  const commands = commandsAlong(root, args);
  const last = commands.at(-1) ?? root;
  const known = [...last.commands.map((child) => child.name()), ...last.options.flatMap((option) => option.long ?? [])];
  // A missing option is known; only a word that is unknown can be a typing error.
  const typed = /missing/i.test(error.code) ? undefined : /'([^' =]+)/.exec(error.message)?.[1];
  const near = typed === undefined ? null : nearestName(typed, known);
  const path = commands.map((command) => command.name()).join(' ');
  const detail =
    error.code === 'commander.help'
      ? `${path} needs a command: ${known.filter((name) => !name.startsWith('-')).join(', ')}`
      : error.message.replace(/^error: /, '');
  return {
    exitCode: EXIT.usage,
    problem: { code: 'usage', detail, remedy: near === null ? `see \`${path} --help\`` : `did you mean ${near}?` },
  };
}

/** The commands that `args` walk through, from the root. */
function commandsAlong(root: Command, args: readonly string[]): Command[] {
  const path = [root];
  for (const word of args) {
    const next = path.at(-1)?.commands.find((child) => child.name() === word);
    if (next === undefined) break;
    path.push(next);
  }
  return path;
}

// A reader that has seen enough (`| head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(EXIT.done);
});

const [name = 'contimg', ...rest] = process.argv.slice(2)[0] === '--as' ? process.argv.slice(3) : ['contimg', ...process.argv.slice(2)];
await main(name, rest);
