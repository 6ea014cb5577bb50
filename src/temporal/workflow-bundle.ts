/**
 * The workflow code as one bundle, built once and kept under state/ by the hash of its sources: bundling takes more than
 * a second, which every restart of a worker would pay again.
 */
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DefaultLogger, type WorkflowBundle, bundleWorkflowCode } from '@temporalio/worker';
import { MODULE_EXTENSION } from '../config/module-extension.ts';
import { REPOSITORY_ROOT } from '../runner/science-environment.ts';
import { systemErrorCode } from '../domain/system-error.ts';
import type { Logger } from '../telemetry/log.ts';

/** What the bundle is made of; versions of libraries are in the lock file, or in the packed library in its package file. */
const SOURCES = [
  'workflows',
  'src/domain',
  `activities/contract${MODULE_EXTENSION}`,
  MODULE_EXTENSION === '.ts' ? 'package-lock.json' : 'package.json',
];

export async function workflowBundle(cacheFolder: string, log: Logger): Promise<WorkflowBundle> {
  const path = join(cacheFolder, `workflows-${sourceHash()}.js`);
  try {
    return { code: await readFile(path, 'utf8') };
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw error;
  }
  const bundle = await bundleWorkflowCode({
    workflowsPath: join(REPOSITORY_ROOT, 'workflows', `index${MODULE_EXTENSION}`),
    logger: new DefaultLogger('WARN', ({ message }) => log.warn(message)),
  });
  await mkdir(cacheFolder, { recursive: true });
  await writeFile(`${path}.${process.pid}`, bundle.code);
  await rename(`${path}.${process.pid}`, path);
  return bundle;
}

function sourceHash(): string {
  const hash = createHash('sha256');
  for (const source of SOURCES) {
    for (const file of filesOf(join(REPOSITORY_ROOT, source))) hash.update(file).update(readFileSync(file));
  }
  return hash.digest('hex').slice(0, 16);
}

function filesOf(path: string): string[] {
  if (/\.\w+$/.test(path)) return [path];
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(MODULE_EXTENSION))
    .sort()
    .map((name) => join(path, name));
}
