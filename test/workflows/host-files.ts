/** The files a test host stands on: its science interpreter and the raw files of its groups. */
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import type { SubbandArrival } from '../../src/domain/arrival.ts';

/**
 * An executable that stands for the science interpreter; files in `folder` steer it. Its types are taken off once here:
 * Node would do it in every process, for as long as such a process lives.
 */
export function quickInterpreter(folder: string): string {
  const path = join(folder, 'python');
  const program = join(folder, 'quick-science.mjs');
  writeFileSync(program, stripTypeScriptTypes(readFileSync(join(import.meta.dirname, 'quick-science.ts'), 'utf8')));
  writeFileSync(path, `#!/bin/sh\nexec ${process.execPath} ${program} ${folder} "$@"\n`);
  chmodSync(path, 0o755);
  return path;
}

/** A file of a group where nobody reads its content as HDF5, announced as if it had been admitted. */
export function rawFile(folder: string, groupId: string, subband: number): SubbandArrival {
  const path = join(folder, `${groupId}_sb${String(subband).padStart(2, '0')}.hdf5`);
  writeFileSync(path, `subband ${subband} of ${groupId}`);
  return arrivalOf(path, subband);
}

export function arrivalOf(path: string, subband: number): SubbandArrival {
  const { size, mtimeNs, ino } = statSync(path, { bigint: true });
  return {
    path,
    subband,
    bytes: Number(size),
    mtimeMs: Number(mtimeNs) / 1e6,
    inode: ino.toString(),
    headerDigest: `header of ${path}`,
    gridDigest: 'grid',
    integrations: 24,
  };
}
