/** What programs configure the pipeline with: the names of the earlier library, turned into the settings of everybody else. */
import type { SettingSource } from '../config/environment.ts';
import { insideKey } from '../config/keys.ts';
import { loadSettings } from '../config/load.ts';
import type { Settings } from '../config/settings.ts';
import { createLogger, type Logger } from '../telemetry/log.ts';

/** Only `outputDir` is needed by everything; relative paths are read from the working directory. The environment is not read. */
export interface WorkerConfig {
  /** Directory of `*_sb??.hdf5`; never written to. */
  inputDir?: string;
  /** Base of `ms/`, `images/` and `caltables/`. */
  outputDir: string;
  /** Fast disk for parts; default `<outputDir>/.work`. */
  scratchDir?: string;
  /** Database, locks and logs; default `state`. */
  stateDir?: string;
  /** The product database; default `<stateDir>/db/pipeline.sqlite3`. */
  queueDb?: string;
  /** Members of a full group; default 16. */
  expectedSubbands?: number;
  /** Threads a step may use. */
  ompThreads?: number;
  enableCalibrationSolving?: boolean;
  enablePhotometry?: boolean;
  /** host:port of a running server; default the embedded one's. */
  temporalAddress?: string;
  temporalNamespace?: string;
  /** Interpreter of the science environment; default that of the checkout. */
  python?: string;
  /** Any other setting by its name in the configuration file, e.g. `{ 'disk.pause_gb': 20 }`. */
  settings?: Readonly<Record<string, unknown>>;
}

const KEYS = {
  inputDir: 'paths.input',
  outputDir: 'paths.output',
  scratchDir: 'paths.scratch',
  stateDir: 'paths.state',
  queueDb: 'paths.database',
  expectedSubbands: 'collecting.expected',
  ompThreads: 'worker.ompThreads',
  enableCalibrationSolving: 'policy.solve',
  enablePhotometry: 'policy.photometry',
  temporalAddress: 'temporal.address',
  temporalNamespace: 'temporal.namespace',
  python: 'paths.python',
} as const satisfies Record<keyof Omit<WorkerConfig, 'settings'>, string>;

export function settingsOf({ settings, ...named }: WorkerConfig): Settings {
  const flags: SettingSource[] = Object.entries(settings ?? {}).map(([name, value]) => ({ key: insideKey(name), value, name }));
  for (const [name, key] of Object.entries(KEYS)) {
    const value: unknown = Reflect.get(named, name);
    if (value !== undefined) flags.push({ key, value, name });
  }
  return loadSettings({ flags }).settings;
}

/** Warnings and worse, on stderr; `log.level` of `settings` says otherwise. */
export const libraryLog = (config: WorkerConfig): Logger =>
  createLogger({ level: config.settings?.['log.level'] === undefined ? 'warn' : settingsOf(config).log.level, name: 'contimg' });
