/** What the step code of the worker is given when it runs in a process of the library or the command line. */
import type { HostDependencies } from '../../activities/dependencies.ts';
import { openForReading } from '../catalog/database.ts';
import type { Settings } from '../config/settings.ts';
import { findSciencePython } from '../runner/science-environment.ts';
import type { Logger } from '../telemetry/log.ts';

export const hostOf = (settings: Settings, log: Logger): HostDependencies => ({
  settings,
  log,
  hostName: settings.worker.hostName,
  python: findSciencePython(settings.paths.python),
  openCatalog: () => openForReading(settings.paths.database),
});
