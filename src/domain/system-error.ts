/** How every part reads an error of the operating system: by its errno name, never by the words of its message. */

/** The errno name of an error from the system (`ENOENT`), or null. Not by `instanceof`: realms have their own Error. */
export function systemErrorCode(error: unknown): string | null {
  return typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string' ? error.code : null;
}
