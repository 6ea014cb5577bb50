/**
 * JSON at the edges (API, science requests, files) is snake_case; Temporal payloads and TypeScript are camelCase.
 * One mapper for keys; values, and keys that are data rather than names, are left alone.
 */

const toSnake = (key: string): string => key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const toCamel = (key: string): string => key.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

export const snakeCased = (value: unknown): unknown => renameKeys(value, toSnake);
export const camelCased = (value: unknown): unknown => renameKeys(value, toCamel);

/** A key is a name only if it looks like one: group ids, antenna names, file paths and numbers pass unchanged. */
const LOOKS_LIKE_A_NAME = /^[a-z][A-Za-z0-9_]*$/;

function renameKeys(value: unknown, rename: (key: string) => string): unknown {
  if (Array.isArray(value)) return value.map((item) => renameKeys(item, rename));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [LOOKS_LIKE_A_NAME.test(key) ? rename(key) : key, renameKeys(item, rename)]),
  );
}
