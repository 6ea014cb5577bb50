/**
 * What must be true before the pipeline starts; the first thing that is not ends the command with its remedy: folders, ports,
 * and all that `contimg doctor` fails on. Nothing is created here but the output, scratch and state folders.
 */
import { accessSync, constants, mkdirSync, statSync } from 'node:fs';
import type { Settings } from '../config/settings.ts';
import { portHolder, portIsFree } from '../temporal/free-port.ts';
import { blockingFindings } from './doctor-checks.ts';
import { EXIT } from './exit-codes.ts';
import { CommandError } from './problem.ts';

export async function checkBeforeStart(settings: Settings, withApi: boolean): Promise<void> {
  requireReadableFolder(settings.paths.input);
  for (const folder of [settings.paths.output, settings.paths.scratch, settings.paths.state]) requireWritableFolder(folder);
  for (const { name, host, port, flag } of portsOf(settings, withApi)) {
    if (await portIsFree(port, host)) continue;
    throw new CommandError(EXIT.resource, {
      code: 'port_in_use',
      detail: `port ${port} (${name}) is in use by ${portHolder(port) ?? 'a process that cannot be seen from here'}`,
      remedy: `stop that process, or choose another port with ${flag}`,
    });
  }
  const [worst] = await blockingFindings(settings);
  if (worst === undefined) return;
  throw new CommandError(EXIT.validation, {
    code: 'check_failed',
    detail: `${worst.name}: ${worst.fact}`,
    remedy: worst.remedy ?? 'run `contimg doctor`',
  });
}

function portsOf(settings: Settings, withApi: boolean): { name: string; host: string; port: number; flag: string }[] {
  const { temporal, health, api, monitor } = settings;
  const loopback = '127.0.0.1';
  return [
    ...(temporal.address === undefined
      ? [
          { name: 'Temporal', host: loopback, port: temporal.port, flag: '--temporal-port' },
          { name: 'Temporal Web UI', host: loopback, port: temporal.uiPort, flag: '--ui-port' },
        ]
      : []),
    ...(monitor.enabled ? [{ name: 'health', host: health.host, port: health.port, flag: '--health-port' }] : []),
    ...(withApi ? [{ name: 'API', host: api.host, port: api.port, flag: '--api-port' }] : []),
  ];
}

export function requireReadableFolder(folder: string): void {
  const entry = statSync(folder, { throwIfNoEntry: false });
  if (entry === undefined || !entry.isDirectory()) {
    throw new CommandError(EXIT.inputOutput, {
      code: 'no_input_dir',
      detail: `the input directory does not exist: ${folder}`,
      remedy: 'create or mount it, or name another with --input-dir',
    });
  }
  accessSync(folder, constants.R_OK | constants.X_OK);
}

function requireWritableFolder(folder: string): void {
  mkdirSync(folder, { recursive: true });
  accessSync(folder, constants.W_OK | constants.X_OK);
}
