/** The pages that the documentation tests read. */
import { readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';

export const ROOT = resolve(import.meta.dirname, '..', '..');
export const PAGES = ['README.md', 'CONTRIBUTING.md', ...pagesBelow('docs')];
export const textOf = (page: string): string => readFileSync(join(ROOT, page), 'utf8');

function pagesBelow(folder: string): string[] {
  const entries = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' });
  return entries.filter((name) => name.endsWith('.md')).map((name) => join(folder, name));
}
