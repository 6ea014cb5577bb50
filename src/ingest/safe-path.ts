/**
 * Which directory entries may be opened at all. Paths with control characters, entries that are not regular files and
 * links that lead out of the input tree are refused before anything is read through them.
 */
import { lstat, realpath, stat } from 'node:fs/promises';
import { sep } from 'node:path';
import type { BigIntStats } from 'node:fs';
import { judgeName, type NameVerdict } from '../domain/subband.ts';
import { systemErrorCode } from '../domain/system-error.ts';
import { rejection, type Rejection } from './rejection.ts';

/** Category Cc, and the two separators that some programs take for a line end. */
const CONTROL_CHARACTER = /[\p{Cc}\u2028\u2029]/gu;

const hasControlCharacter = (text: string): boolean => text.search(CONTROL_CHARACTER) >= 0;

/** On one line, whatever the path holds. */
export const escapedPath = (path: string): string =>
  JSON.stringify(path)
    .slice(1, -1)
    .replace(CONTROL_CHARACTER, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);

export type EntryVerdict = NameVerdict | { kind: 'unsafe-name'; rejection: Rejection };

/** The verdict on a name; one that would be ours but for control characters in it is unsafe rather than foreign. */
export function judgeEntryName(name: string): EntryVerdict {
  if (!hasControlCharacter(name)) return judgeName(name);
  if (judgeName(name.replace(CONTROL_CHARACTER, '')).kind !== 'candidate') return { kind: 'foreign' };
  return { kind: 'unsafe-name', rejection: rejection('UnsafePath', `control character in the name ${escapedPath(name)}`) };
}

export type PathVerdict =
  | { kind: 'regular'; stat: BigIntStats }
  | { kind: 'gone' }
  | { kind: 'refused'; stat: BigIntStats; rejection: Rejection }
  /** Not even its size is known. */
  | { kind: 'unknown'; rejection: Rejection };

/** One `lstat` for a plain file. `rootRealPath` is the input directory with its own links resolved. */
export async function judgePath(path: string, rootRealPath: string): Promise<PathVerdict> {
  let entry: BigIntStats | null = null;
  try {
    entry = await lstat(path, { bigint: true });
    if (hasControlCharacter(path)) return unsafe(entry, `control character in the folder of ${escapedPath(path)}`);
    if (entry.isFile()) return { kind: 'regular', stat: entry };
    if (!entry.isSymbolicLink()) return unsafe(entry, `${escapedPath(path)} is not a regular file`);
    const target = await realpath(path);
    if (!target.startsWith(rootRealPath + sep)) return unsafe(entry, `a link to ${escapedPath(target)}, outside the input directory`);
    const resolved = await stat(path, { bigint: true });
    if (resolved.isFile()) return { kind: 'regular', stat: resolved };
    return unsafe(entry, `${escapedPath(path)} leads to something that is not a file`);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'ENOENT' && entry !== null) return unsafe(entry, 'a link that leads nowhere');
    if (code === 'ELOOP' && entry !== null) return unsafe(entry, 'a link that leads back to itself');
    if (code === 'ENOENT' || code === 'ENOTDIR') return { kind: 'gone' };
    const refused = unreadableFile(error);
    return entry === null ? { kind: 'unknown', rejection: refused } : { kind: 'refused', stat: entry, rejection: refused };
  }
}

const unsafe = (entry: BigIntStats, message: string): PathVerdict => ({
  kind: 'refused',
  stat: entry,
  rejection: rejection('UnsafePath', message),
});

const SYSTEM_ERRORS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EIO: 'input/output error of the disk',
  ENOENT: 'it vanished while it was read',
  ESTALE: 'the network file system lost it',
};

export function unreadableFile(error: unknown): Rejection {
  const code = systemErrorCode(error);
  const words = code === null ? null : (SYSTEM_ERRORS[code] ?? code);
  return rejection('Unreadable', words ?? (error instanceof Error ? error.message : String(error)));
}
