/** Holds the import graph against docs/explanation/architecture.md: who may know whom. Reads the sources, runs nothing. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..', '..');

interface Import {
  from: string;
  to: string;
  typeOnly: boolean;
}

const sourcesBelow = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.tsx?$/.test(name) && !name.includes('node_modules') && !name.startsWith('dist'))
    .map((name) => join(folder, name));

const IMPORT = /^(?:import|export)\s+(type\s+)?[^'"]*?from\s+'([^']+)'|^import\s+'([^']+)'|import\('([^']+)'\)/gms;

function importsOf(file: string): Import[] {
  return [...readFileSync(join(root, file), 'utf8').matchAll(IMPORT)].map(([, type, from, bare, dynamic]) => {
    const target = from ?? bare ?? dynamic ?? '';
    const to = target.startsWith('.') ? relative(root, resolve(root, dirname(file), target)) : target;
    return { from: file, to, typeOnly: type !== undefined };
  });
}

const all = ['src', 'workflows', 'activities'].flatMap(sourcesBelow).flatMap(importsOf);
const below = (path: string, ...folders: string[]): boolean => folders.some((folder) => path.startsWith(`${folder}/`));
const show = ({ from, to }: Import): string => `${from} → ${to}`;

describe('imports', () => {
  test('the graph is not empty, so the rules below test something', () => {
    expect(all.length).toBeGreaterThan(100);
  });

  test('domain knows only itself and zod', () => {
    expect(all.filter(({ from, to }) => below(from, 'src/domain') && !below(to, 'src/domain') && to !== 'zod').map(show)).toEqual([]);
  });

  test('workflows run only domain and Temporal’s workflow package; activities are known to them by type', () => {
    const allowed = ({ to, typeOnly }: Import): boolean =>
      below(to, 'src/domain', 'workflows') || to === '@temporalio/workflow' || (typeOnly && to === 'activities/contract.ts');
    expect(all.filter((entry) => below(entry.from, 'workflows') && !allowed(entry)).map(show)).toEqual([]);
  });

  test('the activities’ contract is types only', () => {
    expect(
      all.filter((entry) => entry.from === 'activities/contract.ts' && !entry.typeOnly && !below(entry.to, 'src/domain')).map(show),
    ).toEqual([]);
  });

  test('catalog and runner know nothing of Temporal, the API or the command line', () => {
    const outside = ({ to }: Import): boolean =>
      below(to, 'src/api', 'src/cli', 'src/temporal', 'src/ingest', 'workflows', 'activities') || to.startsWith('@temporalio/');
    expect(all.filter((entry) => below(entry.from, 'src/catalog', 'src/runner') && outside(entry)).map(show)).toEqual([]);
  });

  test('nothing below the command line imports it, and only the command line imports the API', () => {
    expect(all.filter(({ from, to }) => below(to, 'src/cli') && !below(from, 'src/cli')).map(show)).toEqual([]);
    expect(all.filter(({ from, to }) => below(to, 'src/api') && !below(from, 'src/api', 'src/cli')).map(show)).toEqual([]);
  });

  test('the API never looks into scratch or runs science', () => {
    expect(all.filter(({ from, to }) => below(from, 'src/api') && below(to, 'src/runner', 'activities', 'workflows')).map(show)).toEqual(
      [],
    );
  });
});
