/**
 * Finds the Temporal CLI of exactly the pinned version: the schema of an existing database file belongs to it. A
 * `temporal` on the PATH comes first, then the one that set-up put into the checkout.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findProgram, isExecutable } from '../runner/process-group.ts';
import { REPOSITORY_ROOT } from '../runner/science-environment.ts';
import { TEMPORAL_CLI_VERSION, TemporalCliMissing } from './temporal-errors.ts';

const run = promisify(execFile);

export async function findTemporalCli(places: { searchPath?: string; repositoryRoot?: string } = {}): Promise<string> {
  const bundled = join(places.repositoryRoot ?? REPOSITORY_ROOT, '.tools', 'bin', 'temporal');
  const seen: string[] = [];
  for (const candidate of [findProgram('temporal', places.searchPath), isExecutable(bundled) ? bundled : null]) {
    if (candidate === null) continue;
    const version = await versionOf(candidate);
    if (version === TEMPORAL_CLI_VERSION) return candidate;
    seen.push(`${candidate} is ${version ?? 'not a Temporal CLI'}`);
  }
  throw new TemporalCliMissing(
    `no Temporal CLI ${TEMPORAL_CLI_VERSION} found (${seen.join('; ') || `neither on the PATH nor at ${bundled}`})`,
  );
}

async function versionOf(binary: string): Promise<string | null> {
  const { stdout } = await run(binary, ['--version'], { timeout: 10_000 });
  return /temporal version (\S+)/.exec(stdout)?.[1] ?? null;
}
