/**
 * What host activities are given by the worker: settings, a logger, the science runner and read access to the product
 * database. Passed in, so that a test can hand over its own folders and clocks.
 */
import type { Database } from 'better-sqlite3';
import type { Settings } from '../src/config/settings.ts';
import type { SciencePython } from '../src/runner/science-environment.ts';
import type { Logger } from '../src/telemetry/log.ts';

export interface HostDependencies {
  settings: Settings;
  hostName: string;
  log: Logger;
  python: SciencePython;
  /** Opens the product database for reading; the caller closes it. */
  openCatalog: () => Database;
}
