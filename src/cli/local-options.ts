/** Options of commands that act on the local database and Temporal. */
import type { Command } from 'commander';
import type { SettingSource } from '../config/environment.ts';
import { configurationFile } from '../config/configuration-file.ts';
import { loadSettings } from '../config/load.ts';
import type { Settings } from '../config/settings.ts';

const FLAGS = [
  { flags: '--state-dir <dir>', key: 'paths.state', does: 'database, Temporal file, locks, logs' },
  { flags: '--queue-db <file>', key: 'paths.database', does: 'the product database' },
  { flags: '--temporal-address <host:port>', key: 'temporal.address', does: 'a running Temporal server' },
  { flags: '--temporal-namespace <name>', key: 'temporal.namespace', does: 'namespace of the pipeline' },
] as const;

export function addLocalOptions(command: Command): Command {
  command.option('--config <file>', 'configuration file (.yaml or .json)').option('--json', 'one JSON document on stdout', false);
  for (const { flags, does } of FLAGS) command.option(flags, does);
  return command;
}

export function localSettings(command: Command): Settings {
  const given = command.opts();
  const sources: SettingSource[] = [];
  for (const { flags, key } of FLAGS) {
    const name = flags.split(' ')[0] ?? flags;
    const value: unknown = given[camel(name.slice(2))];
    if (value !== undefined) sources.push({ key, value, name });
  }
  return loadSettings({ ...configurationFile(given['config'], process.env), env: process.env, flags: sources }).settings;
}

export const wantsJson = (command: Command): boolean => command.opts()['json'] === true;

const camel = (kebab: string): string => kebab.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
