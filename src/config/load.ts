/**
 * Settings in layers: default < configuration file < environment < flags. Says for each key where its value came from.
 * Promises absolute paths. Relative paths of a file are read from that file's folder, others from the working directory.
 */
import { readFileSync } from 'node:fs';
import { dirname, extname, join, resolve } from 'node:path';
import { parse as parseYaml } from 'yaml';
import { camelCased } from '../domain/spelling.ts';
import { type SettingSource, settingsFromEnvironment } from './environment.ts';
import { SETTING_LEAVES, nearestName, outsideKey } from './keys.ts';
import { SettingsError } from './settings-error.ts';
import { type Settings, settingsSchema, slotsOf } from './settings.ts';

type Origin = 'default' | 'derived' | `file ${string}` | `environment ${string}` | `flag ${string}`;

export interface LoadedSettings {
  settings: Settings;
  /** Dotted camelCase key → where its value came from. */
  origins: Readonly<Record<string, Origin>>;
}

const PATH_KEYS = new Set([...SETTING_LEAVES.keys()].filter((key) => key.startsWith('paths.')));

export function loadSettings(layers: {
  file?: string;
  env?: Readonly<Record<string, string | undefined>>;
  flags?: readonly SettingSource[];
  workingDirectory?: string;
}): LoadedSettings {
  const here = layers.workingDirectory ?? process.cwd();
  const origins: Record<string, Origin> = Object.fromEntries([...SETTING_LEAVES.keys()].map((key) => [key, 'default']));
  const values = new Map<string, unknown>();
  const take = (source: SettingSource, origin: Origin, folder: string): void => {
    if (!SETTING_LEAVES.has(source.key)) throw unknownKey(source.key, origin);
    const isPath = PATH_KEYS.has(source.key) && typeof source.value === 'string';
    values.set(source.key, isPath ? resolve(folder, String(source.value)) : source.value);
    origins[source.key] = origin;
  };

  if (layers.file !== undefined) {
    const file = resolve(here, layers.file);
    for (const source of settingsFromFile(file)) take(source, `file ${file}`, dirname(file));
  }
  for (const source of settingsFromEnvironment(layers.env ?? {})) take(source, `environment ${source.name}`, here);
  for (const source of layers.flags ?? []) take(source, `flag ${source.name}`, here);

  const parsed = settingsSchema.safeParse(nested(values));
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const key = issue?.path.join('.') ?? '';
    const origin = origins[key] ?? 'the settings';
    throw new SettingsError(`${outsideKey(key)}: ${issue?.message ?? 'does not parse'} (from ${origin})`, `correct ${outsideKey(key)}`);
  }
  return { settings: derived(parsed.data, here, origins), origins };
}

function derived(parsed: ReturnType<typeof settingsSchema.parse>, here: string, origins: Record<string, Origin>): Settings {
  const { paths, worker } = parsed;
  const state = resolve(here, paths.state);
  const output = resolve(here, paths.output);
  if (paths.scratch === undefined) origins['paths.scratch'] = 'derived';
  if (paths.database === undefined) origins['paths.database'] = 'derived';
  if (worker.slots === undefined) origins['worker.slots'] = 'derived';
  return {
    ...parsed,
    paths: {
      ...paths,
      state,
      output,
      input: resolve(here, paths.input),
      tmpfs: resolve(here, paths.tmpfs),
      scratch: paths.scratch ?? join(output, '.work'),
      database: paths.database ?? join(state, 'db', 'pipeline.sqlite3'),
    },
    worker: { ...worker, slots: worker.slots ?? slotsOf(worker.ompThreads) },
  };
}

function settingsFromFile(file: string): SettingSource[] {
  if (!['.yaml', '.yml', '.json'].includes(extname(file))) {
    throw new SettingsError(`${file}: a configuration file ends in .yaml or .json`, 'rename it');
  }
  let document: unknown;
  try {
    document = parseYaml(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new SettingsError(
      `${file}: ${error instanceof Error ? error.message : String(error)}`,
      'correct the file, or name another with --config',
    );
  }
  return flattened(camelCased(document ?? {}), '').map(([key, value]) => ({ key, value, name: file }));
}

function flattened(value: unknown, prefix: string): [string, unknown][] {
  if (SETTING_LEAVES.has(prefix) || value === null || typeof value !== 'object' || Array.isArray(value)) return [[prefix, value]];
  return Object.entries(value).flatMap(([name, part]) => flattened(part, prefix === '' ? name : `${prefix}.${name}`));
}

function nested(values: ReadonlyMap<string, unknown>): Record<string, unknown> {
  const root: Record<string, unknown> = {};
  for (const [key, value] of values) {
    const names = key.split('.');
    const last = names.pop() ?? key;
    let place = root;
    for (const name of names) {
      const next = (place[name] ??= {}) as Record<string, unknown>;
      place = next;
    }
    place[last] = value;
  }
  return root;
}

function unknownKey(key: string, origin: Origin): SettingsError {
  const near = nearestName(key, SETTING_LEAVES.keys());
  const remedy = near === null ? 'docs/reference/configuration.md lists all keys' : `did you mean ${outsideKey(near)}?`;
  return new SettingsError(`${outsideKey(key)} is not a setting (from ${origin})`, remedy);
}
