/**
 * Puts the options of stream-options.ts on a command and reads back which were typed. Knows commander; the table does not.
 */
import { type Command, Option } from 'commander';
import { configurationFile } from '../config/configuration-file.ts';
import { type LoadedSettings, loadSettings } from '../config/load.ts';
import type { Output } from './output.ts';
import { STREAM_OPTIONS, readStreamOptions } from './stream-options.ts';
import { usageError } from './problem.ts';

export function addStreamOptions(command: Command): Command {
  command.option('--config <file>', 'configuration file (.yaml or .json)').option('--json', 'events as JSON lines', false);
  const typed = new Map<string, string | boolean>();
  TYPED.set(command, typed);
  for (const { flags, does } of STREAM_OPTIONS) {
    const option = new Option(flags, does);
    command.addOption(option);
    // Both forms of a switch share one name in commander; the event of each form keeps them apart.
    command.on(`option:${option.name()}`, (value: string | null | undefined) => {
      typed.set(option.long ?? flags, value ?? true);
    });
  }
  return command;
}

const TYPED = new WeakMap<Command, Map<string, string | boolean>>();

export function settingsOfStream(command: Command, output: Output): LoadedSettings {
  const { sources, notices, warnings } = readStreamOptions(TYPED.get(command) ?? new Map());
  for (const text of notices) output.notice(text);
  for (const text of warnings) output.warn(text);
  return loadSettings({ ...configurationFile(command.opts()['config'], process.env), env: process.env, flags: sources });
}

/** Raw data and products have no default place: a run that was not told where to look must not guess. */
export function requirePaths({ origins }: LoadedSettings, keys: readonly ('paths.input' | 'paths.output')[]): void {
  const flags = { 'paths.input': '--input-dir', 'paths.output': '--output-dir' } as const;
  const missing = keys.filter((key) => origins[key] === 'default').map((key) => flags[key]);
  if (missing.length > 0)
    throw usageError(
      `${missing.join(' and ')} ${missing.length > 1 ? 'are' : 'is'} required`,
      `for example ${missing.map((flag) => `${flag} /data/${flag.slice(2, -4)}`).join(' ')}`,
    );
}
