/**
 * The failure capsule of an attempt: one JSON file in the attempt's folder with all that is needed to understand the
 * failure and to repeat the step by hand. The environment in it is the short list the subprocess was given, no more.
 */
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Resources } from '../domain/step-output.ts';
import { snakeCased } from '../domain/spelling.ts';
import type { StepFailure } from '../domain/failure.ts';

export interface Capsule {
  step: string;
  failure: Omit<StepFailure, 'capsulePath'>;
  command: readonly string[];
  workingDirectory: string;
  requestPath: string;
  logPath: string;
  logTail: readonly string[];
  exitCode: number | null;
  exitSignal: string | null;
  resources: Resources;
  environment: Readonly<Record<string, string>>;
  host: string;
  endedAt: string;
}

const quoted = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);

/** The line that repeats the step from any shell. */
function shellLine(capsule: Pick<Capsule, 'command' | 'environment' | 'workingDirectory'>): string {
  const variables = Object.entries(capsule.environment).map(([name, value]) => `${name}=${quoted(value)}`);
  return ['cd', quoted(capsule.workingDirectory), '&&', 'env', '-i', ...variables, ...capsule.command.map(quoted)].join(' ');
}

export async function writeCapsule(folder: string, capsule: Capsule): Promise<string> {
  const path = join(folder, 'capsule.json');
  const { environment, ...rest } = capsule;
  const document = { schema_version: 1, ...Object(snakeCased(rest)), environment, shell_line: shellLine(capsule) };
  await writeFile(`${path}.part`, `${JSON.stringify(document, null, 2)}\n`);
  await rename(`${path}.part`, path);
  return path;
}
