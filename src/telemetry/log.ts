/**
 * The logger: one JSON line an event on stderr and, when a file is named, the same line there. Events about a group carry
 * `groupId`, `step` and `attempt` through child loggers.
 */
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Logger, destination, multistream, pino, stdTimeFunctions } from 'pino';
import type { Settings } from '../config/settings.ts';

export type { Logger } from 'pino';

export const logFileOf = (settings: Settings): string => join(settings.paths.state, 'logs', 'streaming-pipeline.log');

export function createLogger(options: { level: Settings['log']['level']; name: string; file?: string }): Logger {
  const streams = [{ level: options.level, stream: destination({ dest: 2, sync: true }) }];
  if (options.file !== undefined) {
    mkdirSync(dirname(options.file), { recursive: true });
    streams.push({ level: options.level, stream: destination({ dest: options.file, append: true, sync: true }) });
  }
  return pino(
    {
      name: options.name,
      level: options.level,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    multistream(streams),
  );
}
