/**
 * Where the science interpreter is and what its subprocesses may see. Their environment is built from a short list, so no
 * secret of ours reaches a tool, a log or a capsule.
 */
import { join, resolve } from 'node:path';
import { StepError } from '../domain/failure.ts';
import { isExecutable } from './process-group.ts';

export interface SciencePython {
  interpreter: string;
  /** Folder that holds the package `contimg_science`. */
  sourceFolder: string;
}

export const REPOSITORY_ROOT = resolve(import.meta.dirname, '..', '..');

const SOURCE_FOLDER = join(REPOSITORY_ROOT, 'science');

export function findSciencePython(interpreter: string = join(SOURCE_FOLDER, '.venv', 'bin', 'python')): SciencePython {
  if (!isExecutable(interpreter)) {
    throw new StepError({
      type: 'ToolFailed',
      code: 'NoSciencePython',
      message: `the science environment is missing: ${interpreter}`,
      remedy: 'run `make setup` in the checkout',
      sideEffects: 'none',
    });
  }
  return { interpreter, sourceFolder: SOURCE_FOLDER };
}

const PASSED_ON = ['PATH', 'HOME', 'USER', 'LOGNAME', 'LANG', 'TZ', 'TMPDIR', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS'] as const;

export function scienceEnvironment(order: {
  python: SciencePython;
  threads: number;
  /** Compiled kernels are kept here between attempts. */
  numbaCacheFolder: string;
  /** Logs of CASA go here: one folder an attempt. */
  workDir: string;
  outside?: Readonly<Record<string, string | undefined>>;
}): Record<string, string> {
  const outside = order.outside ?? process.env;
  const passed: Record<string, string> = {};
  for (const name of PASSED_ON) {
    const value = outside[name];
    if (value !== undefined) passed[name] = value;
  }
  return {
    // One BLAS thread: the kernels are parallel themselves. A value set outside wins.
    OPENBLAS_NUM_THREADS: '1',
    MKL_NUM_THREADS: '1',
    ...passed,
    OMP_NUM_THREADS: String(order.threads),
    NUMBA_NUM_THREADS: String(order.threads),
    NUMBA_CACHE_DIR: order.numbaCacheFolder,
    HDF5_USE_FILE_LOCKING: 'FALSE',
    PYTHONPATH: order.python.sourceFolder,
    PYTHONUNBUFFERED: '1',
    PYTHONNOUSERSITE: '1',
    CASA_LOGDIR: order.workDir,
    LC_ALL: 'C.UTF-8',
  };
}
