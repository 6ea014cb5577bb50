/** What a host step is given when a test calls it by itself: the settings of `flags`, and a database that must not be asked. */
import type { SettingSource } from '../../src/config/environment.ts';
import { loadSettings } from '../../src/config/load.ts';
import { createLogger } from '../../src/telemetry/log.ts';

export const hostDependencies = (flags: readonly SettingSource[], folder: string) => ({
  settings: loadSettings({ flags }).settings,
  hostName: 'test-host',
  log: createLogger({ level: 'fatal', name: 'test' }),
  python: { interpreter: 'python3', sourceFolder: folder },
  openCatalog: (): never => {
    throw new Error('this step asks no database');
  },
});

/** Flags from keys and values. */
export const flagsOf = (values: Record<string, string>): SettingSource[] =>
  Object.entries(values).map(([key, value]) => ({ key, value, name: key }));
