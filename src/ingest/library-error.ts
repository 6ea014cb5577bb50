/**
 * What an error of the HDF5 library says about a file. The library prints a stack of some fifteen calls; the outermost says
 * that a read failed, the innermost says why. Nothing here is a fault of the reader: every answer is a refusal of the file.
 */
import { systemErrorCode } from '../domain/system-error.ts';
import { rejection, type Rejection } from './rejection.ts';
import { unreadableFile } from './safe-path.ts';

/** The library looked for something behind what it knows of the file. */
const PAST_THE_END = /addr overflow|past end of allocation|truncated file|end of file address/;
const MISSING_FILTER = /required filter '([^';]+)[^']*' is not registered/;
/** What the innermost call says: `#011: …/H5FDint.c line 260 in H5FD_read(): addr overflow, …`. */
const CALL = /^\s*#\d+: \S+ line \d+ in \w+\(\): (.+)$/gm;

export function judgeLibraryError(error: unknown): Rejection {
  if (systemErrorCode(error) !== null) return unreadableFile(error);
  const text = error instanceof Error ? error.message : String(error);
  const [, filter] = MISSING_FILTER.exec(text) ?? [];
  // The name of a filter is in its description: nothing is half-written about it.
  if (filter !== undefined)
    return rejection('BadType', `the header is packed with the filter ${filter}, which is not built in here`, false);
  const calls = Array.from(text.matchAll(CALL), ([, said]) => said ?? '');
  const pastTheEnd = calls.find((said) => PAST_THE_END.test(said));
  if (pastTheEnd !== undefined) return rejection('Truncated', `part of it lies past the end of the file: ${pastTheEnd}`);
  return rejection('BadType', `the HDF5 library cannot read the header: ${calls.at(-1) ?? text.split('\n')[0] ?? 'unknown error'}`);
}
