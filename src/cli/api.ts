/**
 * `contimg api`: REST, events and the dashboard's files on one port, until it is stopped. Reads the product database and
 * writes nothing; requests of operators go to Temporal.
 */
import { Command, Option } from '@commander-js/extra-typings';
import { startApi } from '../api/serve.ts';
import { OperatorTokenError } from '../api/operator-token.ts';
import type { SettingSource } from '../config/environment.ts';
import { configurationFile } from '../config/configuration-file.ts';
import { loadSettings } from '../config/load.ts';
import type { Settings } from '../config/settings.ts';
import { systemErrorCode } from '../domain/system-error.ts';
import { createLogger, logFileOf } from '../telemetry/log.ts';
import { EXIT } from './exit-codes.ts';
import { CommandError } from './problem.ts';

const SETTING_OF_FLAG = {
  '--host': 'api.host',
  '--port': 'api.port',
  '--anonymous-read': 'api.anonymousRead',
  '--state-dir': 'paths.state',
  '--queue-db': 'paths.database',
  '--output-dir': 'paths.output',
  '--temporal-address': 'temporal.address',
  '--temporal-namespace': 'temporal.namespace',
  '--log-level': 'log.level',
} as const;

export function apiCommand() {
  return new Command('api')
    .description('serve REST, events and the dashboard')
    .option('--config <file>', 'configuration file (.yaml or .json)')
    .option('--host <host>', 'address to listen on; loopback unless told')
    .option('--port <n>', 'port to listen on', Number)
    .addOption(new Option('--anonymous-read <who>', 'who may read without signing in').choices(['off', 'loopback'] as const))
    .option('--state-dir <dir>', 'database, logs and operator token')
    .option('--queue-db <file>', 'the product database')
    .option('--output-dir <dir>', 'base of products: pictures are served from below it')
    .option('--temporal-address <host:port>', 'a running Temporal server')
    .option('--temporal-namespace <name>')
    .addOption(new Option('--log-level <level>').choices(['debug', 'info', 'warn', 'error', 'fatal'] as const))
    .addHelpText(
      'after',
      '\nExample:\n  contimg api --port 8000 --anonymous-read loopback\n\nExit codes: 0 stopped, 6 port in use, 9 database, 12 operator token',
    )
    .action(async (options) => {
      const values = new Map<string, unknown>(Object.entries(options).map(([name, value]) => [flagOf(name), value]));
      const flags: SettingSource[] = Object.entries(SETTING_OF_FLAG).flatMap(([name, key]) => {
        const value = values.get(name);
        return value === undefined ? [] : [{ key, value, name }];
      });
      const { settings } = loadSettings({ ...configurationFile(options.config, process.env), env: process.env, flags });
      await serveUntilStopped(settings);
    });
}

const flagOf = (optionName: string): string => `--${optionName.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

async function serveUntilStopped(settings: Settings): Promise<void> {
  const log = createLogger({ level: settings.log.level, name: 'api', file: logFileOf(settings) });
  const api = await startApi({ settings, log }).catch((error: unknown) => {
    throw knownProblem(error, settings);
  });
  process.stdout.write(`${api.url}\n`);
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
  });
  await api.close();
}

function knownProblem(error: unknown, { api }: Settings): unknown {
  if (error instanceof OperatorTokenError) {
    return new CommandError(EXIT.notAllowed, { code: 'operator_token', detail: error.message, remedy: error.remedy });
  }
  if (systemErrorCode(error) === 'EADDRINUSE') {
    return new CommandError(EXIT.resource, {
      code: 'port_in_use',
      detail: `another process listens on ${api.host}:${api.port}`,
      remedy: 'stop it, or choose another port with --port',
    });
  }
  return error;
}
