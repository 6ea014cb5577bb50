/**
 * Which configuration file is read: the one named by `--config`, else by `CONTIMG_CONFIG`, else `contimg.yaml` in the working
 * directory, else that of the machine. One that is named must be there; the last two are taken when they are.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const FILE_NAME = 'contimg.yaml';
const OF_THE_MACHINE = '/etc/contimg';

/** For `loadSettings`: no file is no key. */
export function configurationFile(
  given: unknown,
  env: Readonly<Record<string, string | undefined>>,
  folders: readonly string[] = [process.cwd(), OF_THE_MACHINE],
): { file?: string } {
  const named = given ?? env['CONTIMG_CONFIG'];
  if (typeof named === 'string') return { file: named };
  const file = folders.map((folder) => join(folder, FILE_NAME)).find((path) => existsSync(path));
  return file === undefined ? {} : { file };
}
