/**
 * Builds what `npm pack` ships: the library as JavaScript with its types, and the files it reads at run time, below dist/ in
 * the folders of the checkout. Node runs TypeScript from a checkout only, never from node_modules.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, readdirSync, rmSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..', '..');
const dist = join(root, 'dist');

rmSync(dist, { recursive: true, force: true });
execFileSync(join(root, 'node_modules', '.bin', 'tsc'), ['-p', join(import.meta.dirname, 'tsconfig.json')], { stdio: 'inherit' });

const migrations = join('src', 'catalog', 'migrations');
for (const name of readdirSync(join(root, migrations))) cpSync(join(root, migrations, name), join(dist, migrations, name));
cpSync(join(root, 'package.json'), join(dist, 'package.json'));

const BUILT_BY_PYTHON = ['__pycache__', '.numba_cache'];
cpSync(join(root, 'science', 'contimg_science'), join(dist, 'science', 'contimg_science'), {
  recursive: true,
  filter: (path) => !BUILT_BY_PYTHON.includes(basename(path)),
});
